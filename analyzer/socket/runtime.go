package socket

import (
	"bytes"
	"path"
	"strings"

	"finwait/analyzer/event"
)

// runs notes which runtime a process is, unless something surer told already.
func (p *process) runs(rank uint8, name, why string, line uint32, tid int32) {
	if rank > p.stats.runtimeRank {
		p.stats.runtimeRank, p.stats.runtime, p.stats.runtimeWhy = rank, name, why
		p.stats.runtimeLine, p.stats.runtimeTID = line, tid
	}
}

// program tells the runtime by the name of the program that is executed.
func (p *process) program(exe string, line uint32, tid int32) {
	p.stats.runtimeRank = 0 // another program from now on
	p.stats.runtime = ""
	base := path.Base(exe)
	for _, r := range [...]struct{ prefix, name string }{
		{"python", "Python"}, {"gunicorn", "Python"}, {"uwsgi", "Python"}, {"node", "Node"}, {"java", "Java"},
		{"nginx", "nginx"}, {"openresty", "nginx"}, {"curl", "curl"}, {"perl", "Perl"}, {"ruby", "Ruby"}, {"php", "PHP"}, {"redis", "Redis"},
	} {
		if strings.HasPrefix(base, r.prefix) {
			p.runs(4, r.name, "it executed "+exe, line, tid)
			return
		}
	}
}

// agents are what HTTP libraries call themselves in their requests.
var agents = [...]struct{ word, name string }{
	{"Go-http-client", "Go"}, {"python", "Python"}, {"Python", "Python"}, {"aiohttp", "Python"}, {"curl/", "curl"},
	{"Java", "Java"}, {"okhttp", "Java"}, {"undici", "Node"}, {"node", "Node"}, {"libwww-perl", "Perl"}, {"HTTP-Tiny", "Perl"},
}

// agent tells the runtime by the User-Agent of a request, where strace prints
// that much of it.
func (p *process) agent(c *event.Call) {
	if p.stats.runtimeRank >= 2 {
		return
	}
	i := bytes.Index(c.Data, []byte("ser-"))
	if i < 0 {
		return
	}
	line := c.Data[i:]
	if end := bytes.IndexByte(line, '\r'); end > 0 {
		line = line[:end]
	}
	for _, a := range agents {
		if bytes.Contains(line, []byte(a.word)) {
			p.runs(2, a.name, "its requests say U"+string(line), c.Line, c.TID)
			return
		}
	}
}

// epollSize tells the runtime by how many events it asks for at a time: Go
// 128 (runtime/netpoll_epoll.go), nginx 512 (its epoll_events), libuv 1024
// with epoll_pwait, the JDK 1024 with epoll_wait at most. It is weak: other
// programs may ask for the same.
func (p *process) epollSize(c *event.Call) {
	if p.stats.runtimeRank > 0 {
		return
	}
	switch {
	case c.Name == "epoll_pwait" && c.Value == 128:
		p.runs(1, "Go", "epoll_pwait asks for 128 events", c.EndLine, c.TID)
	case c.Name == "epoll_wait" && c.Value == 512:
		p.runs(1, "nginx", "epoll_wait asks for 512 events", c.EndLine, c.TID)
	case c.Name == "epoll_pwait" && c.Value == 1024:
		p.runs(1, "Node", "epoll_pwait asks for 1024 events", c.EndLine, c.TID)
	case c.Name == "epoll_wait" && c.Value == 1024:
		p.runs(1, "Java", "epoll_wait asks for 1024 events", c.EndLine, c.TID)
	}
}
