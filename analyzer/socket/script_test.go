package socket_test

import (
	"fmt"
	"strings"
	"testing"

	"finwait/analyzer/conn"
	"finwait/analyzer/socket"
	"finwait/parsers/strace"
)

// Lines that most scripts share.
const (
	dial     = "1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n1 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = 0\n"
	dialLate = "1 socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_IP) = 3\n1 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = -1 EINPROGRESS (Operation now in progress)\n"
	get      = "1 write(3, \"GET /slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\", 31) = 31\n"
	answer   = "1 read(3, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 4096) = 40\n"
	expired  = "1 poll([{fd=3, events=POLLIN}], 1, 300) = 0 (Timeout)\n"
	epolled  = "1 epoll_wait(9, [], 128, 299) = 0\n"
	shut     = "1 close(3) = 0\n"
	accepted = "1 1790000000.0 accept4(6, {sa_family=AF_INET, sin_port=htons(4711), sin_addr=inet_addr(\"10.0.0.9\")}, [16], SOCK_NONBLOCK) = 4\n1 1790000000.1 read(4, \"GET /slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\", 4096) = 31\n"
	timedGet = "1 1790000000.000000 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3 <0.00001>\n1 1790000000.000100 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = 0 <0.00001>\n1 1790000000.100000 write(3, \"GET /slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\", 31) = 31 <0.00001>\n"
)

// TestScripts follows one behaviour each. A connection is written as its cause,
// who closed first, answered and sent requests, and the phase of the one that
// was outstanding.
func TestScripts(t *testing.T) {
	for _, c := range []struct{ name, log, want string }{
		{"a wait on the descriptor expired", dial + get + expired + shut, "request-timeout high client 0/1 awaiting-headers"},
		{"a shared wait expired", dial + get + epolled + shut, "request-timeout medium client 0/1 awaiting-headers"},
		{"the kernel's timeout", dial + "1 setsockopt(3, SOL_SOCKET, SO_RCVTIMEO_OLD, \"\\0\\0\\0\\0\\0\\0\\0\\0\\240\\206\\1\\0\\0\\0\\0\\0\", 16) = 0\n" + get +
			"1 recvfrom(3, 0x7ffc, 256, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n" + shut, "request-timeout high client 0/1 awaiting-headers"},
		{"a look without waiting is no timeout", dial + get + answer + "1 poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout)\n" + shut, "client-no-reuse low client 1/1"},
		{"a wait before the request", dial + expired + get + shut, "request-cancelled medium client 0/1 awaiting-headers"},
		{"answered, idle, closed by a timer", dial + get + answer + epolled + shut, "client-idle-close medium client 1/1"},
		{"the second request of a connection", dial + get + answer + get + expired + shut, "request-timeout high client 1/2 awaiting-headers"},
		{"a part of the body", dial + get + "1 read(3, \"HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nok\", 4096) = 40\n" + expired + shut, "request-timeout high client 0/1 reading-body"},
		{"shutdown before close", dial + get + expired + "1 shutdown(3, SHUT_WR) = 0\n" + shut, "request-timeout high client 0/1 awaiting-headers"},
		{"the server closed with a request outstanding", dial + get + "1 read(3, \"\", 4096) = 0\n" + shut, "server-aborted-request high server 0/1 awaiting-headers"},
		{"the server closed an idle connection", dial + get + answer + "1 read(3, \"\", 4096) = 0\n" + shut, "server-idle-close high server 1/1"},
		{"a peek finds the server's FIN", dial + get + answer + "1 recvfrom(3, \"\", 1, MSG_PEEK|MSG_DONTWAIT, NULL, NULL) = 0\n" + shut, "server-idle-close high server 1/1"},
		{"a pool looks and finds something to read", dial + get + answer + "1 poll([{fd=3, events=POLLIN}], 1, 0) = 1 ([{fd=3, revents=POLLIN|POLLHUP}])\n" + shut, "server-idle-close medium server 1/1"},
		{"a pool looks with select", dial + get + answer + "1 pselect6(4, [3], NULL, NULL, {tv_sec=0, tv_nsec=0}, NULL) = 1 (in [3], left {tv_sec=0, tv_nsec=0})\n" + shut, "server-idle-close medium server 1/1"},
		{"what is found is read", dial + get + answer + "1 poll([{fd=3, events=POLLIN}], 1, 0) = 1 ([{fd=3, revents=POLLIN}])\n" + answer + shut, "client-no-reuse low client 1/1"},
		{"a look at an answer that comes", dial + get + "1 poll([{fd=3, events=POLLIN}], 1, 0) = 1 ([{fd=3, revents=POLLIN}])\n" + answer + shut, "client-no-reuse low client 1/1"},
		{"a look that finds room to write", dial + get + answer + "1 poll([{fd=3, events=POLLOUT}], 1, 0) = 1 ([{fd=3, revents=POLLOUT}])\n" + shut, "client-no-reuse low client 1/1"},
		{"a timer of the kernel ran out", "1 timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK) = 7\n" + dial + get + "1 timerfd_settime(7, 0, {it_interval={tv_sec=0, tv_nsec=0}, it_value={tv_sec=0, tv_nsec=300000000}}, NULL) = 0\n1 epoll_wait(9, [{events=EPOLLIN, data=0x7}], 8, -1) = 1\n1 read(7, \"\\1\\0\\0\\0\\0\\0\\0\\0\", 8) = 8\n" + shut, "request-timeout low client 0/1 awaiting-headers"},
		{"a long sleep behind the answer", dial + get + answer + "1 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=0, tv_nsec=400000000}, NULL) = 0\n" + shut, "client-idle-close medium client 1/1"},
		{"another thread sleeps behind the answer", dial + get + answer + "2 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=0, tv_nsec=400000000}, NULL) = 0\n" + shut, "client-no-reuse low client 1/1"},
		{"the head of the answer is cut", dial + get + "1 read(3, \"HTTP/1.1 200 OK\\r\\nContent-Length:\"..., 4096) = 40\n" + epolled + shut, "client-idle-close low client 1/1"},
		{"the server reset", dial + get + "1 read(3, 0x7f, 4096) = -1 ECONNRESET (Connection reset by peer)\n" + shut, "server-aborted-request high server 0/1 awaiting-headers"},
		{"announced", dial + get + "1 read(3, \"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 4096) = 59\n" + shut, "declared-close high client 1/1"},
		{"no request", dial + get[:0] + "1 read(8, \"x\", 1) = 1\n" + shut, "no-data high client 0/0"},
		{"no reads and writes in the log", dial + shut, "unknown low client 0/0"},
		{"open at the end", dial + get, "open high none 0/1 awaiting-headers"},
		{"the process exits right after its only answer", timedGet + "1 1790000000.150000 read(3, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 4096) = 40 <0.00001>\n1 1790000000.180000 exit_group(0) = ?\n1 1790000000.180100 +++ exited with 0 +++\n", "client-no-reuse medium client 1/1"},
		{"the process exits a while after it", timedGet + "1 1790000000.150000 read(3, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 4096) = 40 <0.00001>\n1 1790000000.480000 exit_group(0) = ?\n1 1790000000.480100 +++ exited with 0 +++\n", "client-idle-close high client 1/1"},
		{"the process exits after several answers", timedGet + "1 1790000000.150000 read(3, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 4096) = 40 <0.00001>\n1 1790000000.160000 write(3, \"GET /slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\", 31) = 31 <0.00001>\n1 1790000000.170000 read(3, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 4096) = 40 <0.00001>\n1 1790000000.180000 exit_group(0) = ?\n1 1790000000.180100 +++ exited with 0 +++\n", "client-idle-close high client 2/2"},
		{"the process exits", dial + get + "1 exit_group(0) = ?\n1 +++ exited with 0 +++\n", "request-cancelled medium client 0/1 awaiting-headers"},
		{"the process is killed", dial + get + "1 +++ killed by SIGKILL +++\n", "request-cancelled high client 0/1 awaiting-headers"},
		{"detached", dial + get + "1 poll([{fd=3, events=POLLIN}], 1, 300 <detached ...>\n", "open high none 0/1 awaiting-headers"},
		{"refused", "1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n1 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = -1 ECONNREFUSED (Connection refused)\n" + shut, "connect-refused high none 0/0 connect"},
		{"refused later", dialLate + "1 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0\n" + shut, "connect-refused high none 0/0 connect"},
		{"connecting when a wait expired", dialLate + "1 poll([{fd=3, events=POLLOUT}], 1, 300) = 0 (Timeout)\n" + shut, "connect-timeout high none 0/0 connect"},
		{"connecting when the process exits", dialLate + "1 exit_group(0) = ?\n", "request-cancelled medium none 0/0 connect"},
		{"the kernel's limit of connect", "1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n1 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = -1 ETIMEDOUT (Connection timed out)\n" + shut, "connect-timeout high none 0/0 connect"},
		{"SO_SNDTIMEO ends a connect", "1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n1 setsockopt(3, SOL_SOCKET, SO_SNDTIMEO_OLD, \"\\0\\0\\0\\0\\0\\0\\0\\0 \\241\\7\\0\\0\\0\\0\\0\", 16) = 0\n1 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = -1 EINPROGRESS (Operation now in progress)\n" + shut, "connect-timeout high none 0/0 connect"},
		{"no route", "1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n1 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = -1 EHOSTUNREACH (No route to host)\n" + shut, "network-failure high none 0/0 connect"},
		{"a probe is no connection", "1 socket(AF_INET6, SOCK_STREAM, IPPROTO_IP) = 3\n1 bind(3, {sa_family=AF_INET6, sin6_port=htons(0), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28) = 0\n" + shut, ""},
		{"UDP is no connection", "1 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 3\n1 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = 0\n" + shut, ""},
		{"a hedged request is cancelled", dial + strings.ReplaceAll(dial, " 3", " 4")[:0] +
			"1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 4\n1 connect(4, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = 0\n" + get + epolled +
			"1 write(4, \"GET /fast HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\", 31) = 31\n1 read(4, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 4096) = 40\n" + shut, "request-cancelled low client 0/1 awaiting-headers; open high none 1/1"},
		{"closed by the last of several descriptors", dial + "1 dup(3) = 5\n1 fcntl(3, F_DUPFD_CLOEXEC, 50) = 50\n" + get + shut + "1 close(5) = 0\n" + expired[:0] + "1 poll([{fd=50, events=POLLIN}], 1, 300) = 0 (Timeout)\n1 close(50) = 0\n", "request-timeout high client 0/1 awaiting-headers"},
		{"dup2 closes what was there", dial + get + expired + "1 dup2(9, 3) = 3\n", "request-timeout high client 0/1 awaiting-headers"},
		{"close_range", dial + get + expired + "1 close_range(3, 6, 0) = 0\n", "request-timeout high client 0/1 awaiting-headers"},
		{"close_range that only marks", dial + get + expired + "1 close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) = 0\n", "open high none 0/1 awaiting-headers"},
		{"exec closes what is marked", strings.Replace(dial, "SOCK_STREAM", "SOCK_STREAM|SOCK_CLOEXEC", 1) + get + "1 execve(\"/bin/true\", [\"true\"], 0x7f) = 0\n", "request-cancelled medium client 0/1 awaiting-headers"},
		{"exec leaves the others", dial + get + "1 execve(\"/bin/true\", [\"true\"], 0x7f) = 0\n" + expired + shut, "request-timeout high client 0/1 awaiting-headers"},
		{"a failed close", dial + get + expired + "1 close(3) = -1 EBADF (Bad file descriptor)\n", "open high none 0/1 awaiting-headers"},
		{"the number is given out before the close returns", dial + get + expired + "1 close(3 <unfinished ...>\n2 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n1 <... close resumed>) = 0\n" + strings.ReplaceAll(dial[strings.Index(dial, "\n")+1:], "1 connect", "2 connect"),
			"request-timeout high client 0/1 awaiting-headers; open high none 0/0"},
		{"a close that the log lacks", dial + get + answer + dial, "unknown low none 1/1; open high none 0/0"},
		{"another thread's read returns behind the close", dial + get + "2 read(3<TCP:[10.0.0.9:4000->10.0.0.1:80]>,  <unfinished ...>\n1 close(3<TCP:[10.0.0.9:4000->10.0.0.1:80]>) = 0\n2 <... read resumed>\"HTTP/1.1 200 OK\\r\\n\", 99) = 17\n", "request-cancelled low client 0/1 awaiting-headers"},
		{"another thread's read returns behind dup2", dial + get + "2 read(3<TCP:[10.0.0.9:4000->10.0.0.1:80]>,  <unfinished ...>\n1 dup2(9<UNIX-STREAM:[5->6]>, 3<TCP:[10.0.0.9:4000->10.0.0.1:80]>) = 3<UNIX-STREAM:[5->6]>\n2 <... read resumed>\"\", 99) = 0\n1 close(3<UNIX-STREAM:[5->6]>) = 0\n", "request-cancelled low client 0/1 awaiting-headers"},
		{"clones whose ends are cut off", dial + get + "1 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIG\n1 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIG\n1 exit_group(0) = ?\n", "request-cancelled medium client 0/1 awaiting-headers"},
		{"a child closes its copy", dial + get + "1 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 2\n2 close(3) = 0\n2 exit_group(0) = ?\n2 +++ exited with 0 +++\n" + expired + shut, "request-timeout high client 0/1 awaiting-headers"},
		{"a thread closes", dial + get + "1 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0} => {parent_tid=[2]}, 88) = 2\n2 poll([{fd=3, events=POLLIN}], 1, 50) = 0 (Timeout)\n2 close(3) = 0\n", "request-timeout high client 0/1 awaiting-headers"},
		{"a child of vfork speaks before vfork returns", dial + get + "1 vfork( <unfinished ...>\n2 close(3) = 0\n2 execve(\"/bin/true\", [\"true\"], 0x7f) = 0\n1 <... vfork resumed>) = 2\n" + expired + shut, "request-timeout high client 0/1 awaiting-headers"},
		{"workers without clones", strings.ReplaceAll(dial, "1 ", "7 ")[:0] + dial + get + strings.ReplaceAll(dial, "\n1 ", "\n2 ")[:0] + worker(2) + expired + shut + worker(2)[:0] + "2 close(3) = 0\n",
			"request-timeout high client 0/1 awaiting-headers; no-data high client 0/0"},
		{"a descriptor passes to another process", "1 socketpair(AF_UNIX, SOCK_STREAM, 0, [5, 6]) = 0\n" + dial + "1 sendmsg(5, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3]}], msg_controllen=24, msg_flags=0}, 0) = 1\n" + shut +
			"1 recvmsg(6, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[7]}], msg_controllen=24, msg_flags=0}, 0) = 1\n" +
			strings.ReplaceAll(get, "(3", "(7") + strings.ReplaceAll(expired, "fd=3", "fd=7") + "1 close(7) = 0\n", "request-timeout high client 0/1 awaiting-headers"},
		{"superseded by a thread's exec", "1 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0} => {parent_tid=[2]}, 88) = 2\n" + strings.ReplaceAll(dial, "1 ", "2 ")[:0] + worker(2) +
			"2 execve(\"/bin/a\", [\"a\"], 0x7f <unfinished ...>\n1 <... pause resumed>) = ?\n1 +++ superseded by execve in pid 2 +++\n1 <... execve resumed>) = 0\n" + get + expired + shut, "request-timeout high client 0/1 awaiting-headers"},
		{"accepted", "1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 4\n1 listen(4, 5) = 0\n1 accept4(4, {sa_family=AF_INET, sin_port=htons(4000), sin_addr=inet_addr(\"10.0.0.9\")}, [16], SOCK_CLOEXEC) = 3\n" +
			"1 read(3, \"GET /slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\", 4096) = 31\n1 read(3, \"\", 4096) = 0\n" + shut, "request-cancelled low client 0/1 awaiting-headers"},
		{"accepted and answered", "1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 4\n1 listen(4, 5) = 0\n1 accept(4, {sa_family=AF_INET, sin_port=htons(4000), sin_addr=inet_addr(\"10.0.0.9\")}, [16]) = 3\n" +
			"1 read(3, \"GET /slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\", 4096) = 31\n1 write(3, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 40) = 40\n" + shut, "server-idle-close high server 1/1"},
		{"a client that left before its answer", accepted + "1 1790000000.600000 write(4, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 40) = 40 <0.000030>\n1 1790000000.600100 read(4, \"\", 4096) = 0 <0.000010>\n1 1790000000.600200 close(4) = 0 <0.000010>\n", "request-cancelled low client 0/1 awaiting-headers"},
		{"a client that may have left before its answer", accepted + "1 1790000000.600000 write(4, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 40) = 40 <0.000030>\n1 1790000000.600500 read(4, \"\", 4096) = 0 <0.000010>\n1 1790000000.600600 close(4) = 0 <0.000010>\n", "client-no-reuse low client 1/1"},
		{"a client that closes behind its answer", accepted + "1 1790000000.100100 write(4, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 40) = 40 <0.000030>\n1 1790000000.100200 read(4, \"\", 4096) = 0 <0.000010>\n1 1790000000.100300 close(4) = 0 <0.000010>\n", "client-no-reuse medium client 1/1"},
		{"a write that the answer overtakes", dial + "1 write(3, \"GET /slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\", 31 <unfinished ...>\n2 read(3, \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\", 4096) = 40\n1 <... write resumed>) = 31\n" + shut, "client-no-reuse low client 1/1"},
		{"a write that would have blocked", dial + "1 write(3, \"GET /slow HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\", 31 <unfinished ...>\n1 <... write resumed>) = -1 EAGAIN (Resource temporarily unavailable)\n" + shut, "no-data high client 0/0"},
		{"a server asks whether its client has left, and closes", accepted + "1 1790000000.4 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n1 1790000000.401 close(4) = 0\n", "request-cancelled low client 0/1 awaiting-headers"},
		{"a server asks, and closes much later", accepted + "1 1790000000.4 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n1 1790000000.9 close(4) = 0\n", "server-aborted-request high server 0/1 awaiting-headers"},
		{"a wait that expired long before", timedGet + "1 1790000000.200000 epoll_wait(9, [], 128, 99) = 0 <0.1>\n1 1790000000.700000 close(3) = 0 <0.00001>\n", "request-cancelled low client 0/1 awaiting-headers"},
		{"a wait that expired just before", timedGet + "1 1790000000.200000 epoll_wait(9, [], 128, 99) = 0 <0.1>\n1 1790000000.310000 close(3) = 0 <0.00001>\n", "request-timeout medium client 0/1 awaiting-headers"},
		{"curl ends behind its last answer", "1 execve(\"/usr/bin/curl\", [\"curl\"], 0x7f) = 0\n" + dial + get + answer + get + answer + shut + "1 exit_group(0) = ?\n", "client-no-reuse low client 2/2"},
		{"a pool is emptied at the end", "1 execve(\"/usr/bin/python3\", [\"python3\"], 0x7f) = 0\n" + dial + get + answer + get + answer + shut + "1 exit_group(0) = ?\n", "client-idle-close medium client 2/2"},
		{"older than the log, nothing passed", "1 getpeername(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"10.0.0.1\")}, [16]) = 0\n1 read(8, \"x\", 1) = 1\n" + shut, "unknown low client 0/0"},
		{"older than the log", get + expired + shut, "request-timeout high client 0/1 awaiting-headers"},
		{"io_uring", "1 io_uring_setup(8, {flags=0}) = 4\n1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n1 io_uring_enter(4, 1, 1, IORING_ENTER_GETEVENTS, NULL, 8) = 1\n1 exit_group(0) = ?\n", "unknown low none 0/0"},
		{"an alert, then the server's, then close", dial + "1 write(3, \"\\26\\3\\1\\0\\1\\1\", 6) = 6\n1 read(3, \"\\26\\3\\3\\0\\1\\2\", 9) = 6\n1 write(3, \"\\27\\3\\3\\0\\100aaaaaaaaaaaaaaaaaaaaaaaaaaa\"..., 69) = 69\n" + epolled +
			"1 write(3, \"\\27\\3\\3\\0\\23\\271\\217\\372\\365E\\200\\332(\\204i\\364FKi\\22\\300\\220U$\", 24) = 24\n1 read(3, \"\\27\\3\\3\\0\\23\\271\\217\\372\\365E\\200\\332(\\204i\\364FKi\\22\\300\\220U$\", 99) = 24\n" + shut, "request-timeout medium client 0/1 awaiting-headers"},
	} {
		res, _ := follow(t, strace.NewReader(strings.NewReader(c.log), strace.Options{}))
		var got []string
		for i := range res.Len() {
			var c socket.Conn
			res.Conn(i, &c, true)
			got = append(got, brief(&c))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s:\n got  %s\n want %s", c.name, s, c.want)
		}
	}
}

// worker opens a connection as thread tid.
func worker(tid int) string {
	return strings.ReplaceAll(dial, "1 socket", fmt.Sprint(tid, " socket"))[:0] +
		strings.ReplaceAll(strings.ReplaceAll(dial, "1 socket(", fmt.Sprint(tid)+" socket("), "1 connect(", fmt.Sprint(tid)+" connect(")
}

func brief(c *socket.Conn) string {
	r := &c.Record
	s := fmt.Sprintf("%s %s %s %d/%d", c.Verdict.Cause, c.Verdict.Confidence, r.Initiator, r.Answered, r.Sent)
	if r.Phase != conn.PhaseNone {
		s += " " + r.Phase.String()
	}
	return s
}
