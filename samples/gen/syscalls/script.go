package syscalls

import (
	"container/heap"
	"fmt"
)

// launch starts a process of a random runtime.
func (g *generator) launch() {
	g.total.Processes++
	g.pid += 1 + g.rnd.IntN(9)
	p := &process{}
	s := &script{g: g, tid: g.pid}
	s.add(0, 300, "execve(", `"./client", ["./client"], 0x7ffee8a27ca0 /* 38 vars */`, ") = 0")
	s.noise(20 + g.rnd.IntN(60))
	if g.config.Short {
		s.shortClient()
		g.add(p, s)
		return
	}
	switch g.rnd.IntN(4) {
	case 0:
		g.goClient(p, s)
		return
	case 1:
		s.pollClient("sendto(", 300)
	case 2:
		s.pollClient("write(", 250)
	default:
		s.epollClient(1000)
	}
	s.noise(10)
	g.add(p, s)
}

// add queues a script's thread.
func (g *generator) add(p *process, s *script) {
	p.threads++
	s.add(0, 20, "exit_group(", "0", ") = ?")
	heap.Push(&g.queue, &thread{tid: s.tid, script: s.calls, proc: p, when: g.now + int64(g.rnd.IntN(3000))})
}

// script is what one thread does.
type script struct {
	g     *generator
	tid   int
	calls []call
}

func (s *script) add(wait, took int64, name, head, rest string) {
	s.calls = append(s.calls, call{wait, took, name, head, rest})
}

// noises are calls that have nothing to do with sockets.
var noises = []call{
	{0, 9, "mprotect(", "0x7f71733e0000, 16384, PROT_READ", ") = 0"},
	{0, 30, "newfstatat(", "AT_FDCWD, \"/usr/lib/python3/dist-packages/requests\", ", "{st_mode=S_IFDIR|0755, st_size=4096, ...}, 0) = 0"},
	{0, 12, "mmap(", "NULL, 262144, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0", ") = 0x7f7172a0d000"},
	{0, 8, "rt_sigprocmask(", "SIG_SETMASK, ~[RTMIN RT_1], ", "[], 8) = 0"},
	{0, 400, "futex(", "0x9af7f8, FUTEX_WAIT_PRIVATE, 0, NULL", ") = 0"},
	{0, 60, "futex(", "0x35399cf0d960, FUTEX_WAKE_PRIVATE, 1", ") = 1"},
	{0, 110, "nanosleep(", "{tv_sec=0, tv_nsec=20000}, ", "NULL) = 0"},
	{0, 15, "read(", "3, ", `"\177ELF\2\1\1\3\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0\20t\2\0\0\0\0\0"..., 832) = 832`},
	{0, 10, "getpid(", "", ") = 1234"},
	{0, 18, "madvise(", "0x7fd4c3200000, 33554432, MADV_NOHUGEPAGE", ") = 0"},
}

// noise appends n of them.
func (s *script) noise(n int) {
	for range n {
		c := noises[s.g.rnd.IntN(len(noises))]
		c.wait, c.took = int64(s.g.rnd.IntN(80)), c.took+int64(s.g.rnd.IntN(200))
		s.calls = append(s.calls, c)
	}
}

// peer returns an address to connect to, and the program's own.
func (s *script) peer() (server, local string) {
	s.g.port++
	if s.g.port > 60000 {
		s.g.port = 20000
	}
	server = fmt.Sprintf(`{sa_family=AF_INET, sin_port=htons(%d), sin_addr=inet_addr("10.0.%d.%d")}`,
		8080, s.g.rnd.IntN(s.g.config.Servers)/8, 1+s.g.rnd.IntN(8))
	local = fmt.Sprintf(`{sa_family=AF_INET, sin_port=htons(%d), sin_addr=inet_addr("10.9.0.1")}`, s.g.port)
	return server, local
}

// connect opens a non-blocking connection.
func (s *script) connect(fd int) {
	server, local := s.peer()
	s.g.total.Connections++
	s.add(50, 30, "socket(", "AF_INET, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP", fmt.Sprintf(") = %d", fd))
	s.add(10, 90, "connect(", fmt.Sprintf("%d, %s, 16", fd, server), ") = -1 EINPROGRESS (Operation now in progress)")
	s.add(200, 20, "getsockopt(", fmt.Sprintf("%d, SOL_SOCKET, SO_ERROR, ", fd), "[0], [4]) = 0")
	s.add(10, 20, "getpeername(", fmt.Sprintf("%d, ", fd), server+", [112 => 16]) = 0")
	s.add(10, 20, "getsockname(", fmt.Sprintf("%d, ", fd), local+", [112 => 16]) = 0")
	s.add(10, 20, "setsockopt(", fmt.Sprintf("%d, SOL_TCP, TCP_NODELAY, [1], 4", fd), ") = 0")
}

// request writes a request.
func (s *script) request(fd int, name string) {
	n := 90 + s.g.rnd.IntN(60)
	tail := fmt.Sprintf(") = %d", n)
	if name == "sendto(" {
		tail = fmt.Sprintf(", 0, NULL, 0) = %d", n)
	}
	s.add(40, 60, name, fmt.Sprintf(`%d, "GET /api/v1/item/%d HTTP/1.1\r"..., %d`, fd, s.g.rnd.IntN(99999), n), tail)
}

// response reads a response that came after some milliseconds.
func (s *script) response(fd int) {
	s.add(0, 30, "read(", fmt.Sprintf("%d, ", fd), `"HTTP/1.1 200 OK\r\nContent-Length:"..., 4096) = 2890`)
	s.add(10, 15, "read(", fmt.Sprintf("%d, ", fd), "0x35399d068000, 4096) = -1 EAGAIN (Resource temporarily unavailable)")
}

// pollClient waits in poll on the very descriptor, as Python does.
func (s *script) pollClient(write string, timeout int) {
	fd := 3 + s.g.rnd.IntN(3)
	for range 2 + s.g.rnd.IntN(8) {
		s.connect(fd)
		for range s.g.rnd.IntN(4) {
			s.request(fd, write)
			s.add(10, int64(1000+s.g.rnd.IntN(20000)), "poll(", fmt.Sprintf("[{fd=%d, events=POLLIN}], 1, %d", fd, timeout), fmt.Sprintf(") = 1 ([{fd=%d, revents=POLLIN}])", fd))
			s.response(fd)
			s.noise(s.g.rnd.IntN(20))
		}
		s.request(fd, write)
		s.g.total.Timeouts++
		s.add(10, int64(timeout*1000+100), "poll(", fmt.Sprintf("[{fd=%d, events=POLLIN}], 1, %d", fd, timeout), ") = 0 (Timeout)")
		s.add(60, 100, "close(", fmt.Sprint(fd), ") = 0")
		s.noise(s.g.rnd.IntN(40))
	}
}

// shortClient opens a connection for every request, as a program without a
// pool does, and closes it behind the answer.
func (s *script) shortClient() {
	fd := 3 + s.g.rnd.IntN(3)
	for range 100 + s.g.rnd.IntN(200) {
		s.connect(fd)
		s.request(fd, "write(")
		s.add(10, int64(300+s.g.rnd.IntN(3000)), "poll(", fmt.Sprintf("[{fd=%d, events=POLLIN}], 1, 5000", fd), fmt.Sprintf(") = 1 ([{fd=%d, revents=POLLIN}])", fd))
		s.response(fd)
		s.add(20, 60, "close(", fmt.Sprint(fd), ") = 0")
	}
}

// epollClient waits in epoll, as Node and the Java selectors do.
func (s *script) epollClient(timeout int) {
	fd := 19
	for range 2 + s.g.rnd.IntN(5) {
		s.connect(fd)
		s.add(10, 20, "epoll_ctl(", fmt.Sprintf("13, EPOLL_CTL_ADD, %d, {events=EPOLLIN, data={u32=%d, u64=%d}}", fd, fd, fd), ") = 0")
		s.request(fd, "write(")
		s.g.total.Timeouts++
		for left := timeout; left > 0; left -= 250 {
			s.add(10, 250_100, "epoll_pwait(", "13, ", "[], 1024, 250, NULL, 8) = 0")
			s.noise(s.g.rnd.IntN(12))
		}
		s.add(10, 20, "epoll_ctl(", fmt.Sprintf("13, EPOLL_CTL_DEL, %d, 0x7ff0", fd), ") = 0")
		s.add(10, 100, "close(", fmt.Sprint(fd), ") = 0")
	}
}

// goClient runs Go's threads: the one that polls the network, and the monitor
// that sleeps 20 us at a time.
func (g *generator) goClient(p *process, s *script) {
	monitor := &script{g: g, tid: g.pid + 1}
	g.pid++
	s.add(100, 60, "clone3(", "{flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, child_tid=0x7f7, parent_tid=0x7f7, exit_signal=0, stack=0x7f7, stack_size=0x7fff80, tls=0x7f7}",
		fmt.Sprintf(" => {parent_tid=[%d]}, 88) = %d", monitor.tid, monitor.tid))
	for range 400 + g.rnd.IntN(400) {
		monitor.add(int64(g.rnd.IntN(200)), 110, "nanosleep(", "{tv_sec=0, tv_nsec=20000}, ", "NULL) = 0")
		if g.rnd.IntN(8) == 0 {
			monitor.add(10, int64(20000+g.rnd.IntN(20000)), "futex(", "0xbf97c0, FUTEX_WAIT_PRIVATE, 0, {tv_sec=0, tv_nsec=57070019}", ") = 0")
		}
	}
	fd := 7
	for range 2 + g.rnd.IntN(6) {
		s.connect(fd)
		s.add(10, 20, "epoll_ctl(", fmt.Sprintf("5, EPOLL_CTL_ADD, %d, {events=EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLET, data={u32=3825205249, u64=4605639605947990017}}", fd), ") = 0")
		for range g.rnd.IntN(5) {
			s.request(fd, "write(")
			s.add(10, int64(1000+g.rnd.IntN(20000)), "epoll_pwait(", "5, ", "[{events=EPOLLIN|EPOLLOUT, data={u32=3825205249, u64=4605639605947990017}}], 128, 499, NULL, 0) = 1")
			s.response(fd)
			s.noise(g.rnd.IntN(30))
		}
		s.request(fd, "write(")
		g.total.Timeouts++
		s.add(10, 499_300, "epoll_pwait(", "5, ", "[], 128, 499, NULL, 0) = 0")
		s.add(60, 30, "epoll_ctl(", fmt.Sprintf("5, EPOLL_CTL_DEL, %d, 0x35399d06", fd), ") = 0")
		s.add(10, 100, "close(", fmt.Sprint(fd), ") = 0")
	}
	g.add(p, s)
	// The monitor begins when clone3 has returned, and ends with the process.
	p.threads++
	p.monitor = &thread{tid: monitor.tid, script: monitor.calls, proc: p}
}
