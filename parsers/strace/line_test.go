package strace

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"finwait/analyzer/event"
)

// readAll reads a log and returns its calls with memory of their own.
func readAll(t testing.TB, text string, opts Options) ([]event.Call, *Reader) {
	t.Helper()
	r := NewReader(strings.NewReader(text), opts)
	var calls []event.Call
	var b event.CallBatch
	for {
		err := r.Next(&b)
		if err == io.EOF {
			return calls, r
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.Calls {
			if c.Kind == event.CallClosesShown {
				continue
			}
			c.Data, c.FDs = bytes.Clone(c.Data), append([]int32(nil), c.FDs...)
			calls = append(calls, c)
		}
	}
}

// show writes a call in a few words.
func show(c *event.Call) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%d %s", c.TID, c.Name)
	add := func(on bool, format string, args ...any) {
		if on {
			fmt.Fprintf(&w, " "+format, args...)
		}
	}
	add(c.Phase != event.PhaseWhole, "phase=%d", c.Phase)
	add(c.FD >= 0, "fd=%d", c.FD)
	add(c.FD2 >= 0, "fd2=%d", c.FD2)
	add(c.Flags&event.FailedUnknown == 0 && c.Phase != event.PhaseEnter, "ret=%d", c.Ret)
	add(c.Errno != 0, "errno=%d", c.Errno)
	add(c.At.Known(), "at=%v", time.Duration(c.At)%(24*time.Hour))
	add(c.End.Known() && c.At.Known(), "took=%v", c.End.Sub(c.At))
	add(c.Timeout >= 0, "timeout=%v", c.Timeout)
	add(c.Addr.Known(), "addr=%v", c.Addr)
	add(c.Local.Known(), "local=%v", c.Local)
	add(c.Remote.Known(), "remote=%v", c.Remote)
	add(len(c.FDs) > 0, "fds=%v", c.FDs)
	add(c.Size > 0, "size=%d", c.Size)
	add(len(c.Data) > 0, "%q", c.Data)
	add(c.Option != 0, "option=%d:%d", c.Option, c.Value)
	add(c.Comm != "", "comm=%s", c.Comm)
	for _, f := range []struct {
		flag event.CallFlags
		name string
	}{{event.NonBlocking, "nonblock"}, {event.CloseOnExec, "cloexec"}, {event.Stream, "stream"}, {event.SharesFiles, "files"},
		{event.SharesThread, "thread"}, {event.FlagsUnknown, "unknown"}, {event.Peek, "peek"}, {event.Rights, "rights"},
		{event.Killed, "killed"}, {event.Injected, "injected"}, {event.FDGuessed, "guessed"}} {
		add(c.Flags&f.flag != 0, "%s", f.name)
	}
	return w.String()
}

// TestLines reads one line each: every prefix, and every shape of arguments
// that strace 4.8 to 7.2 prints.
func TestLines(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		// Prefixes.
		{`close(4)                                = 0`, "0 close fd=4 ret=0"},
		{`[pid 16293] close(4)                    = 0`, "16293 close fd=4 ret=0"},
		{`[pid   585] close(4)                    = 0`, "585 close fd=4 ret=0"},
		{`931   close(4)                          = 0`, "931 close fd=4 ret=0"},
		{`17809 21:59:41 close(4)                 = 0`, "17809 close fd=4 ret=0 at=21h59m41s"},
		{`17821 21:59:41.514982 close(4)          = 0`, "17821 close fd=4 ret=0 at=21h59m41.514982s"},
		{`17832 1795384781.555889 close(4)        = 0`, "17832 close fd=4 ret=0 at=21h59m41.555889s"},
		{`18079 1795384782.462302168 close(4)     = 0`, "18079 close fd=4 ret=0 at=21h59m42.462302168s"},
		{`1700000000 close(3) = 0`, "0 close fd=3 ret=0 at=22h13m20s"},
		{`4194303 close(3) = 0`, "4194303 close fd=3 ret=0"},
		{`17849      0.000033 close(4)            = 0`, "17849 close fd=4 ret=0 at=33µs"},
		{`     0.000033 close(4)            = 0`, "0 close fd=4 ret=0 at=33µs"},
		{`17860 21:59:41.641453 (+     0.000034) close(4) = 0`, "17860 close fd=4 ret=0 at=21h59m41.641453s"},
		{`17872 close(4)                          = 0 <0.000045>`, "17872 close fd=4 ret=0"},
		{`17884 close(4<socket:[526022]>)         = 0`, "17884 close fd=4 ret=0"},
		{`17895 close(4<TCP:[127.0.0.1:42044->127.0.0.1:45678]>) = 0`, "17895 close fd=4 ret=0 local=127.0.0.1:42044 remote=127.0.0.1:45678"},
		{`17895 close(4<TCPv6:[[::1]:80->[::1]:4242]>) = 0`, "17895 close fd=4 ret=0 local=[::1]:80 remote=[::1]:4242"},
		{`17987 [   3] close(4)                   = 0`, "17987 close fd=4 ret=0"},
		{`17975 [00007f2e30c52a1a] close(4)       = 0`, "17975 close fd=4 ret=0"},
		{`[pid  1234] [   3] [00007f2e30c52a1a] close(4) = 0`, "1234 close fd=4 ret=0"},
		{`18040<mini> close(4)                    = 0`, "18040 close fd=4 ret=0 comm=mini"},
		{`[pid 18040<nginx: worker p>] close(4)                    = 0`, "18040 close fd=4 ret=0 comm=nginx: worker p"},
		{`18061 close(0x4)                        = 0`, "18061 close fd=4 ret=0"},
		{`19431 close(fd=4)                       = 0`, "19431 close fd=4 ret=0"},
		{`19447<mini> 22:00:07.802298 (+     0.000063) [   3] [00007f4093c62a1a] close(fd=4<TCP:[127.0.0.1:60960->127.0.0.1:45678]>) = 0 <0.000058>`,
			"19447 close fd=4 ret=0 at=22h0m7.802298s took=58µs local=127.0.0.1:60960 remote=127.0.0.1:45678 comm=mini"},
		{"close(7) = 0\r", "0 close fd=7 ret=0"},
		{"\x1b[33mclose\x1b[0m(\x1b[35m7\x1b[0m\x1b[0m)\x1b[0m = 0", "0 close fd=7 ret=0"},
		// Results.
		{`close(7) = -1 EBADF (Bad file descriptor)`, "0 close fd=7 ret=-1 errno=9"},
		{`close(3) = 0 (INJECTED)`, "0 close fd=3 ret=0 injected"},
		{`close(3) = 0 (DELAYED)`, "0 close fd=3 ret=0"},
		{`close(3) = ? <unavailable>`, "0 close fd=3"},
		{`write(1, "f(x) = 3 <unfinished ...>", 25) = 25`, `0 write fd=1 ret=25 size=25 "f(x) = 3 <unfinished ...>"`},
		{`write(1, "a) = 5, \"", 9) = 9`, `0 write fd=1 ret=9 size=9 "a) = 5, \""`},
		{`write(7, "-----BEGIN CERT+++ ---\r\n"..., 900) = 900`, `0 write fd=7 ret=900 size=900 "-----BEGIN CERT+++ ---\r\n"`},
		{`connect(5, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("1.2.3.4")}, 16) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)`,
			"0 connect fd=5 errno=512 addr=1.2.3.4:80"},
		{`exit_group(0)                     = ?`, "0 exit_group"},
		// Addresses.
		{`connect(8, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::ffff:10.0.0.5", &sin6_addr), sin6_scope_id=0}, 28) = 0`, "0 connect fd=8 ret=0 addr=10.0.0.5:443"},
		{`connect(8, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "fe80::1", &sin6_addr), sin6_flowinfo=0, sin6_scope_id=if_nametoindex("eth0")}, 28) = 0`, "0 connect fd=8 ret=0 addr=[fe80::1]:443"},
		{`connect(5, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("\x31\x32\x37\x2e\x30\x2e\x30\x2e\x31")}, 16) = 0`, "0 connect fd=5 ret=0 addr=127.0.0.1:80"},
		{`connect(5, {sa_family=0x2, sin_port="\xb2\x6e", sin_addr="\x7f\x00\x00\x01"}, 0x10) = 0`, "0 connect fd=5 ret=0 addr=127.0.0.1:45678"},
		{`connect(5, {sa_family=0x2 /* AF_INET */, sin_port="\xb2\x6e" /* htons(45678) */, sin_addr="\x7f\x00\x00\x01" /* inet_addr("127.0.0.1") */}, 16) = 0`, "0 connect fd=5 ret=0 addr=127.0.0.1:45678"},
		{`connect(sockfd=5, addr={sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("1.2.3.4")}, addrlen=16) = 0`, "0 connect fd=5 ret=0 addr=1.2.3.4:80"},
		{`connect(0x5, 0x7ffc1, 0x10) = 0`, "0 connect fd=5 ret=0"},
		{`connect(5, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory)`, "0 connect fd=5 ret=-1 errno=4095"},
		{`accept4(3, {sa_family=AF_INET, sin_port=htons(45056), sin_addr=inet_addr("127.0.0.1")}, [128 => 16], SOCK_CLOEXEC) = 6`, "0 accept4 fd=3 ret=6 addr=127.0.0.1:45056 cloexec"},
		{`getsockname(5, {sa_family=AF_INET, sin_port=htons(45242), sin_addr=inet_addr("127.0.0.1")}, [112->16]) = 0`, "0 getsockname fd=5 ret=0 addr=127.0.0.1:45242"},
		// Sockets and descriptors.
		{`socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP) = 3`, "0 socket ret=3 nonblock cloexec stream"},
		{`socket(PF_INET, SOCK_STREAM, IPPROTO_IP) = 3`, "0 socket ret=3 stream"},
		{`socket(0xa, 0x80801, 0)  = 0x7`, "0 socket ret=7 nonblock cloexec stream"},
		{`socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP) = 3`, "0 socket ret=3 stream"},
		{`socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 3`, "0 socket ret=3 cloexec"},
		{`socket(AF_UNIX, SOCK_STREAM, 0) = 3`, "0 socket ret=3"},
		{`socketpair(AF_UNIX, SOCK_STREAM, 0, [5<UNIX-STREAM:[12->13]>, 6<UNIX-STREAM:[13->12]>]) = 0`, "0 socketpair ret=0 fds=[5 6]"},
		{`pipe2([3, 4], O_CLOEXEC) = 0`, "0 pipe2 ret=0 fds=[3 4] cloexec"},
		{`dup3(5, 60, O_CLOEXEC)            = 60`, "0 dup3 fd=5 fd2=60 ret=60 cloexec"},
		{`fcntl(5, F_DUPFD_CLOEXEC, 50)     = 50`, "0 fcntl fd=5 ret=50 cloexec"},
		{`fcntl(5, F_SETFL, O_RDWR|O_NONBLOCK) = 0`, "0 fcntl fd=5 ret=0 nonblock"},
		{`ioctl(5, FIONBIO, [1])            = 0`, "0 ioctl fd=5 ret=0 nonblock"},
		{`close_range(5, 6, 0)              = 0`, "0 close_range fd=5 fd2=6 ret=0"},
		{`close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC) = 0`, "0 close_range fd=3 fd2=2147483647 ret=0 cloexec"},
		{`close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) = 0`, "0 close_range fd=3 fd2=2147483647 ret=0 cloexec"},
		{`syscall_0x1b4(0x5, 0x6, 0, 0x7f, 0x1, 0x2) = 0`, "0 close_range fd=5 fd2=6 ret=0"},
		{`syscall_435(0x7ffc8, 0x58, 0x7f, 0, 0, 0x1) = 0x4008`, "0 clone3 ret=16392 unknown"},
		{`clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f71) = 981`, "0 clone ret=981"},
		{`clone(0x1200011, 0, 0, 0x7f1e9b696a10, 0) = 0x1f66`, "0 clone ret=8038"},
		{`clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0} => {parent_tid=[980]}, 88) = 980`, "0 clone3 ret=980 files thread"},
		// Payloads.
		{`sendto(5, "\x47\x45\x54\x20\x2f\x61"..., 30, MSG_NOSIGNAL, NULL, 0) = 30`, `0 sendto fd=5 ret=30 size=30 "GET /a"`},
		{`writev(6, [{"HTTP/1.1 200 OK\r\n", 17}, {"x: y", 4}], 2) = 21`, `0 writev fd=6 ret=21 size=21 "HTTP/1.1 200 OK\r\nx: y"`},
		{`writev(11, [{iov_base="GET /slow HTTP/1.1\r\n"..., iov_len=20}, {iov_base="Host", iov_len=4}], 2) = 24`, `0 writev fd=11 ret=24 size=24 "GET /slow HTTP/1.1\r\n"`},
		{`readv(5, [{iov_base="HTTP/1.1", iov_len=256}], 1) = 8`, `0 readv fd=5 ret=8 size=8 "HTTP/1.1"`},
		{`sendmsg(5, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="x", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[7]}], msg_controllen=24, msg_flags=0}, 0) = 1`,
			`0 sendmsg fd=5 ret=1 fds=[7] size=1 "x" rights`},
		{`sendmsg(5, {msg_name(0)=NULL, msg_iov(1)=[{"x", 1}], msg_controllen=20, {cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, {7}}, msg_flags=0}, 0) = 1`,
			`0 sendmsg fd=5 ret=1 fds=[7] size=1 "x" rights`},
		{`sendmmsg(6, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="PING\r\n", iov_len=6}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=6}], 1, 0) = 1`, `0 sendmmsg fd=6 ret=1 size=6 "PING\r\n"`},
		{`recvfrom(5, "x", 1, MSG_PEEK|MSG_DONTWAIT, NULL, NULL) = 1`, `0 recvfrom fd=5 ret=1 size=1 "x" nonblock peek`},
		// Options and waits.
		{`setsockopt(5, SOL_SOCKET, SO_RCVTIMEO_OLD, "\0\0\0\0\0\0\0\0\240\206\1\0\0\0\0\0", 16) = 0`, "0 setsockopt fd=5 ret=0 option=1:100000000"},
		{`setsockopt(3, SOL_SOCKET, SO_SNDTIMEO_OLD, "\0\0\0\0\0\0\0\0 \241\7\0\0\0\0\0", 16) = 0`, "0 setsockopt fd=3 ret=0 option=2:500000000"},
		{`setsockopt(7, SOL_SOCKET, SO_RCVTIMEO, "\0\0\0\0\0\0\0\0\2008\1\0\0\0\0\0", 16) = 0`, "0 setsockopt fd=7 ret=0 option=1:80000000"},
		{`setsockopt(5, SOL_TCP, TCP_USER_TIMEOUT, [5000], 4) = 0`, "0 setsockopt fd=5 ret=0 option=3:5000000000"},
		{`setsockopt(5, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0`, "0 setsockopt fd=5 ret=0 option=6:0"},
		{`getsockopt(5, SOL_SOCKET, SO_ERROR, [111], [4]) = 0`, "0 getsockopt fd=5 ret=0 option=7:111"},
		{`getsockopt(5, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0`, "0 getsockopt fd=5 ret=0 option=7:111"},
		{`poll([{fd=5, events=POLLIN}, {fd=3<TCP:[1.1.1.1:1->2.2.2.2:2]>, events=POLLIN}], 2, 198) = 0 (Timeout)`, "0 poll fd=5 ret=0 timeout=198ms fds=[5 3]"},
		{`pselect6(6, [3 5], NULL, [7], {tv_sec=0, tv_nsec=50000000}, NULL) = 0 (Timeout)`, "0 pselect6 fd=3 ret=0 timeout=50ms fds=[3 5 7]"},
		{`pselect6(6, [5], NULL, NULL, {0, 50000000}, 0) = 0 (Timeout)`, "0 pselect6 fd=5 ret=0 timeout=50ms fds=[5]"},
		{`select(4, [3], NULL, NULL, {tv_sec=1, tv_usec=500000}) = 0 (Timeout)`, "0 select fd=3 ret=0 timeout=1.5s fds=[3]"},
		{`ppoll([{fd=5, events=POLLIN}], 1, {tv_sec=0, tv_nsec=30000000}, NULL, 8) = 0 (Timeout)`, "0 ppoll fd=5 ret=0 timeout=30ms fds=[5]"},
		{`epoll_wait(6, {}, 4, 40) = 0`, "0 epoll_wait fd=6 ret=0 timeout=40ms"},
		{`epoll_pwait2(6, [], 4, {tv_sec=0, tv_nsec=40000000}, NULL, 8) = 0`, "0 epoll_pwait2 fd=6 ret=0 timeout=40ms"},
		{`epoll_ctl(6, EPOLL_CTL_ADD, 5, {EPOLLIN, {u32=5, u64=5}}) = 0`, "0 epoll_ctl fd=6 fd2=5 ret=0"},
		{`futex(0x9b1140, FUTEX_WAIT_PRIVATE, 0, {tv_sec=0, tv_nsec=298531905}) = -1 ETIMEDOUT (Connection timed out)`, "0 futex ret=-1 errno=110 timeout=298.531905ms"},
		{`restart_syscall(<... resuming interrupted read ...>) = 0 <2.433466>`, "0 restart_syscall ret=0"},
		// What strace says.
		{`--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=57, si_uid=0, si_status=3, si_utime=0, si_stime=0} ---`, "0 SIGCHLD ret=57"},
		{`[pid 7] +++ killed by SIGKILL (core dumped) +++`, "7  ret=0 killed"},
		{`2335  +++ superseded by execve in pid 2336 +++`, "2335  ret=2336"},
		{`strace: Process 587 attached`, "0  ret=587"},
		{`/usr/bin/strace: Process 587 attached`, "0  ret=587"},
		{`Process 587 attached`, "0  ret=587"},
		// Nothing of interest.
		{`wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 57`, ""},
		{`poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout)`, ""},
		{`futex(0x9b1140, FUTEX_WAIT_PRIVATE, 0, NULL) = 0`, ""},
		{`nanosleep({tv_sec=0, tv_nsec=20000}, NULL) = 0`, ""},
		{`write(2</dev/null<char 1:3>>, "x", 1) = 1`, ""},
		{` > /usr/lib/libc.so.6(__close+0x10) [0x10dc8a]`, ""},
		{` | 00000  47 45 54 20 2f 73 6c 6f  77 20 48 54 54 50 2f 31  GET /slow HTTP/1 |`, ""},
		{`  0.00    0.000000           0         3           close`, ""},
		{`% time     seconds  usecs/call     calls    errors syscall`, ""},
		{`[ Process PID=1234 runs in 32 bit mode. ]`, ""},
		{`...`, ""}, {`--`, ""}, {"```", ""}, {`close`, ""}, {`close(`, "0 close phase=1"}, {"", ""}, {"(", ""}, {"[", ""}, {"<", ""}, {`[pid`, ""}, {`12`, ""},
	} {
		calls, _ := readAll(t, c.line+"\n", Options{})
		var got []string
		for i := range calls {
			got = append(got, show(&calls[i]))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s\n got  %s\n want %s", c.line, s, c.want)
		}
	}
}

// TestHalves joins calls that several lines show.
func TestHalves(t *testing.T) {
	for _, c := range []struct{ name, log, want string }{
		{"a comma on the entry's side, up to 6.15", "1 read(4,  <unfinished ...>\n2 getpid() = 2\n1 <... read resumed>\"ab\", 9) = 2\n", `2 getpid ret=2; 1 read phase=2 fd=4 ret=2 size=2 "ab"`},
		{"a comma on the exit's side, since 6.16", "1 read(4 <unfinished ...>\n1 <... read resumed>, \"ab\", 9) = 2\n", `1 read phase=2 fd=4 ret=2 size=2 "ab"`},
		{"a space behind resumed, up to 4.26", "1 close(4 <unfinished ...>\n1 <... close resumed> )             = 0\n", "1 close phase=1 fd=4; 1 close phase=2 fd=4 ret=0"},
		{"no pid on the first half", "close(4 <unfinished ...>\n[pid 9] <... close resumed>) = 0\n", "0 close phase=1 fd=4; 9  ret=9; 9 close phase=2 fd=4 ret=0"},
		{"no pid on the second half", "[pid 9] read(4,  <unfinished ...>\n<... read resumed>\"\", 9) = 0\n", "0 read phase=2 fd=4 ret=0"},
		{"an end without a beginning", "1 setsockopt(6, SOL_TCP, TCP_NODELAY, [1], 4) = 0\n1 <... getsockname resumed>{sa_family=AF_INET, sin_port=htons(45242), sin_addr=inet_addr(\"127.0.0.1\")}, [112->16]) = 0\n",
			"1 setsockopt fd=6 ret=0; 1 getsockname phase=3 fd=6 ret=0 addr=127.0.0.1:45242 guessed"},
		{"beginnings without an end", "1 connect(6, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"1.1.1.1\")}, 16 <unfinished ...>\n1 close(6 <unfinished ...>\n",
			"1 connect phase=1 fd=6 addr=1.1.1.1:1; 1 close phase=1 fd=6"},
		{"died in the call", "1 epoll_wait(5,  <unfinished ...>\n1 <... epoll_wait resumed> <unfinished ...>) = ?\n1 +++ exited with 0 +++\n", "1  ret=0"},
		{"detached", "1 close(6 <detached ...>\n", "1 close phase=1 fd=6; 1  ret=0"},
		{"an attachment inside a line", "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLDstrace: Process 16311 attached\n, child_tidptr=0x7f9b) = 16311\n", "0  ret=16311; 0 clone ret=16311"},
		{"an attachment before the rest", "[pid 5] write(7, \"ab\", strace: Process 588 attached\n2) = 2\n", `5  ret=588; 5 write fd=7 ret=2 size=2 "ab"`},
		{"two detachments inside a line", "[pid 6] close(9strace: Process 6 detached\nstrace: Process 7 detached\n <detached ...>\n", "6 close phase=1 fd=9; 6  ret=0"},
		{"output of the program inside a line", "write(2, \"hello\\n\", 6hello\n)                    = 6\n", `0 write fd=2 ret=6 size=6 "hello\n"`},
		{"output of the program before a line", "loading...[pid  5] close(3) = 0\n", "5 close fd=3 ret=0"},
		{"a delta behind a pid", "17849      0.000033 poll([{fd=3, events=POLLIN}], 1, 25 <unfinished ...>\n17849      0.024876 <... poll resumed>) = 0 (Timeout)\n", "17849 poll phase=2 fd=3 ret=0 at=33µs took=24.876ms timeout=25ms fds=[3]"},
		{"midnight", "1 23:59:59.900 poll([{fd=3, events=POLLIN}], 1, 200 <unfinished ...>\n1 00:00:00.100 <... poll resumed>) = 0 (Timeout)\n", "1 poll phase=2 fd=3 ret=0 at=23h59m59.9s took=200ms timeout=200ms fds=[3]"},
	} {
		calls, _ := readAll(t, c.log, Options{})
		var got []string
		for i := range calls {
			got = append(got, show(&calls[i]))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s:\n got  %s\n want %s", c.name, s, c.want)
		}
	}
}
