package strace

import "finwait/analyzer/event"

// shape is how the arguments of a call are laid out. Zero: no argument matters.
type shape uint8

const (
	shapeNone       shape = iota
	shapeFD               // fd, ...
	shapeSocket           // family, type, protocol
	shapePair             // family, type, protocol, [fd, fd]
	shapeAddress          // fd, sockaddr, length
	shapeOption           // fd, level, option, value, length
	shapeBytes            // fd, "bytes", count, ...
	shapeVector           // fd, [{iov_base=...}], count
	shapeMessage          // fd, {msg_name=..., msg_iov=[...], msg_control=...}, flags
	shapeSendfile         // out fd, in fd, ...
	shapeSplice           // in fd, offset, out fd, ...
	shapeRange            // fd, fd, flags
	shapeFcntl            // fd, command, ...
	shapeIoctl            // fd, command, ...
	shapeDup              // fd, fd, flags
	shapeOpen             // anything; the flags may name O_CLOEXEC
	shapePipe             // [fd, fd]
	shapeEpollCtl         // fd, operation, fd, event
	shapeEpollWait        // fd, events, count, milliseconds
	shapeEpollWait2       // fd, events, count, timespec
	shapePoll             // [{fd=...}], count, milliseconds
	shapePpoll            // [{fd=...}], count, timespec
	shapeSelect           // count, [fd], [fd], [fd], timeval or timespec
	shapeTimespec         // anything with one timespec
	shapeClone            // flags by name
	shapeExec             // "path", ...
	shapeTgkill           // process, thread, signal
	shapeShutdown         // fd, how
	shapeUnshare          // flags
)

// system is what the reader knows about one system call by name.
type system struct {
	name  string
	kind  event.CallKind
	shape shape
	entry bool // its beginning is an event of its own when the call is split
}

// systems are the calls that matter. Calls that print alike under other names
// on other kernels (recv and recvfrom, select and _newselect) are told by
// name. Index 0 stands for all others.
var systems = []system{
	{"other", event.CallNone, shapeNone, false},
	{"socket", event.CallSocket, shapeSocket, false},
	{"socketpair", event.CallSocketpair, shapePair, false},
	{"connect", event.CallConnect, shapeAddress, true},
	{"bind", event.CallBind, shapeAddress, false},
	{"listen", event.CallListen, shapeFD, false},
	{"accept", event.CallAccept, shapeAddress, false},
	{"accept4", event.CallAccept, shapeAddress, false},
	{"getsockname", event.CallSockname, shapeAddress, false},
	{"getpeername", event.CallPeername, shapeAddress, false},
	{"setsockopt", event.CallSetOption, shapeOption, false},
	{"getsockopt", event.CallGetOption, shapeOption, false},
	{"shutdown", event.CallShutdown, shapeShutdown, true},
	{"read", event.CallRead, shapeBytes, false},
	{"recv", event.CallRead, shapeBytes, false},
	{"recvfrom", event.CallRead, shapeBytes, false},
	{"readv", event.CallRead, shapeVector, false},
	{"recvmsg", event.CallRead, shapeMessage, false},
	{"recvmmsg", event.CallRead, shapeMessage, false},
	{"recvmmsg_time64", event.CallRead, shapeMessage, false},
	{"write", event.CallWrite, shapeBytes, true},
	{"send", event.CallWrite, shapeBytes, true},
	{"sendto", event.CallWrite, shapeBytes, true},
	{"writev", event.CallWrite, shapeVector, true},
	{"sendmsg", event.CallWrite, shapeMessage, true},
	{"sendmmsg", event.CallWrite, shapeMessage, true},
	{"sendfile", event.CallTransfer, shapeSendfile, false},
	{"sendfile64", event.CallTransfer, shapeSendfile, false},
	{"splice", event.CallTransfer, shapeSplice, false},
	{"close", event.CallClose, shapeFD, true},
	{"close_range", event.CallCloseRange, shapeRange, true},
	{"dup", event.CallDup, shapeFD, false},
	{"dup2", event.CallDupTo, shapeDup, true},
	{"dup3", event.CallDupTo, shapeDup, true},
	{"fcntl", event.CallSetFlags, shapeFcntl, false},
	{"fcntl64", event.CallSetFlags, shapeFcntl, false},
	{"ioctl", event.CallSetFlags, shapeIoctl, false},
	{"open", event.CallOpen, shapeOpen, false},
	{"openat", event.CallOpen, shapeOpen, false},
	{"openat2", event.CallOpen, shapeOpen, false},
	{"creat", event.CallOpen, shapeOpen, false},
	{"eventfd", event.CallOpen, shapeOpen, false},
	{"eventfd2", event.CallOpen, shapeOpen, false},
	{"timerfd_create", event.CallOpen, shapeOpen, false},
	{"signalfd", event.CallOpen, shapeOpen, false},
	{"signalfd4", event.CallOpen, shapeOpen, false},
	{"memfd_create", event.CallOpen, shapeOpen, false},
	{"inotify_init", event.CallOpen, shapeOpen, false},
	{"inotify_init1", event.CallOpen, shapeOpen, false},
	{"fanotify_init", event.CallOpen, shapeOpen, false},
	{"pidfd_open", event.CallOpen, shapeOpen, false},
	{"pidfd_getfd", event.CallOpen, shapeOpen, false},
	{"userfaultfd", event.CallOpen, shapeOpen, false},
	{"perf_event_open", event.CallOpen, shapeOpen, false},
	{"bpf", event.CallOpen, shapeOpen, false},
	{"pipe", event.CallOpenTwo, shapePipe, false},
	{"pipe2", event.CallOpenTwo, shapePipe, false},
	{"epoll_create", event.CallEpollOpen, shapeOpen, false},
	{"epoll_create1", event.CallEpollOpen, shapeOpen, false},
	{"epoll_ctl", event.CallEpollAdd, shapeEpollCtl, false},
	{"epoll_wait", event.CallEpollWait, shapeEpollWait, false},
	{"epoll_pwait", event.CallEpollWait, shapeEpollWait, false},
	{"epoll_pwait2", event.CallEpollWait, shapeEpollWait2, false},
	{"poll", event.CallPoll, shapePoll, false},
	{"ppoll", event.CallPoll, shapePpoll, false},
	{"ppoll_time64", event.CallPoll, shapePpoll, false},
	{"select", event.CallPoll, shapeSelect, false},
	{"_newselect", event.CallPoll, shapeSelect, false},
	{"pselect6", event.CallPoll, shapeSelect, false},
	{"pselect6_time64", event.CallPoll, shapeSelect, false},
	{"futex", event.CallFutex, shapeTimespec, false},
	{"futex_time64", event.CallFutex, shapeTimespec, false},
	{"nanosleep", event.CallSleep, shapeTimespec, false},
	{"clock_nanosleep", event.CallSleep, shapeTimespec, false},
	{"clock_nanosleep_time64", event.CallSleep, shapeTimespec, false},
	{"rt_sigtimedwait", event.CallSleep, shapeTimespec, false},
	{"setitimer", event.CallTimer, shapeTimespec, false},
	{"timerfd_settime", event.CallTimer, shapeTimespec, false},
	{"timer_settime", event.CallTimer, shapeTimespec, false},
	{"restart_syscall", event.CallRestart, shapeNone, false},
	{"clone", event.CallClone, shapeClone, true},
	{"clone3", event.CallClone, shapeClone, true},
	{"fork", event.CallClone, shapeClone, true},
	{"vfork", event.CallClone, shapeClone, true},
	{"unshare", event.CallUnshareFiles, shapeUnshare, false},
	{"execve", event.CallExec, shapeExec, false},
	{"execveat", event.CallExec, shapeExec, false},
	{"exit", event.CallExit, shapeNone, true},
	{"_exit", event.CallExit, shapeNone, true},
	{"exit_group", event.CallExitGroup, shapeNone, true},
	{"getpid", event.CallProcess, shapeNone, false},
	{"gettid", event.CallSame, shapeNone, false},
	{"set_tid_address", event.CallSame, shapeNone, false},
	{"tgkill", event.CallThreads, shapeTgkill, false},
	{"io_uring_setup", event.CallUring, shapeOpen, false},
	{"io_uring_enter", event.CallUring, shapeFD, false},
	{"io_uring_register", event.CallUring, shapeFD, false},
}

// numbered are calls that a strace older than the kernel prints by number. The
// numbers are the same on every architecture from 424 on
// (include/uapi/asm-generic/unistd.h).
var numbered = []struct {
	decimal, hex string
	name         string
}{
	{"syscall_425", "syscall_0x1a9", "io_uring_setup"},
	{"syscall_426", "syscall_0x1aa", "io_uring_enter"},
	{"syscall_427", "syscall_0x1ab", "io_uring_register"},
	{"syscall_434", "syscall_0x1b2", "pidfd_open"},
	{"syscall_435", "syscall_0x1b3", "clone3"},
	{"syscall_436", "syscall_0x1b4", "close_range"},
	{"syscall_438", "syscall_0x1b6", "pidfd_getfd"},
	{"syscall_441", "syscall_0x1b9", "epoll_pwait2"},
}

// names finds a call's entry in systems by its name, without a string.
type names struct {
	slots [1024]uint8
	alias [1024]string // the printed name of a slot, which for calls by number differs
}

// newNames fills the table.
func newNames() *names {
	n := &names{}
	for i := 1; i < len(systems); i++ {
		n.add(systems[i].name, i)
	}
	for _, x := range numbered {
		i := int(n.find([]byte(x.name)))
		n.add(x.decimal, i)
		n.add(x.hex, i)
	}
	return n
}

func (n *names) add(name string, i int) {
	h := hashName([]byte(name))
	for n.slots[h] != 0 {
		h = (h + 1) % uint32(len(n.slots))
	}
	n.slots[h], n.alias[h] = uint8(i), name
}

// find returns the index in systems of the call named b, or 0.
func (n *names) find(b []byte) uint8 {
	h := hashName(b)
	for n.slots[h] != 0 {
		if n.alias[h] == string(b) {
			return n.slots[h]
		}
		h = (h + 1) % uint32(len(n.slots))
	}
	return 0
}

// hashName spreads the names over the table; it is short because it runs for
// every line of a log.
func hashName(b []byte) uint32 {
	if len(b) == 0 {
		return 0
	}
	h := uint32(len(b))*131 + uint32(b[0])*31 + uint32(b[len(b)/2])*17 + uint32(b[len(b)-1])*7
	return h % 1024
}
