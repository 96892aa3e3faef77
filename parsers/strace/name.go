package strace

import (
	"encoding/binary"

	"finwait/analyzer/event"
)

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

// common are calls of which nothing matters and that fill logs: knowing them
// saves looking at their names letter by letter.
var common = []string{
	"access", "alarm", "arch_prctl", "brk", "capget", "chdir", "clock_gettime", "clock_getres",
	"faccessat", "faccessat2", "fadvise64", "fallocate", "fdatasync", "flock", "fstat", "fstatfs", "fsync",
	"ftruncate", "getcwd", "getdents", "getdents64", "getegid", "geteuid", "getgid", "getpgrp", "getppid",
	"getrandom", "getrlimit", "getrusage", "getuid", "gettimeofday", "kill", "llseek", "lseek", "lstat", "madvise",
	"membarrier", "mmap", "mmap2", "mprotect", "mremap", "munmap", "newfstatat", "pread64", "prctl", "prlimit64",
	"pwrite64", "readlink", "readlinkat", "rename", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"sched_getaffinity", "sched_yield", "set_robust_list", "sigaltstack", "stat", "statfs", "statx", "sysinfo",
	"time", "times", "umask", "uname", "unlink", "wait4", "waitid",
}

// names finds a call's entry in systems by its name, without a string. Names
// are compared as two words of 8 bytes.
type names struct {
	slots [1024]slot
	long  map[string]uint8 // of more than 16 bytes
}

// slot is one name of at most 16 bytes, padded with zeros.
type slot struct {
	low, high uint64
	id        uint8 // 0 for those that are common
}

// newNames fills the table.
func newNames() *names {
	n := &names{long: map[string]uint8{}}
	for i := 1; i < len(systems); i++ {
		n.add(systems[i].name, uint8(i))
	}
	for _, x := range numbered {
		i := n.find([]byte(x.name))
		n.add(x.decimal, i)
		n.add(x.hex, i)
	}
	for _, name := range common {
		n.add(name, 0)
	}
	return n
}

func (n *names) add(name string, id uint8) {
	if len(name) > 16 {
		n.long[name] = id
		return
	}
	low, high := words([]byte(name))
	h := hashName(low, high)
	for n.slots[h].low != 0 {
		h = (h + 1) % uint64(len(n.slots))
	}
	n.slots[h] = slot{low, high, id}
}

// words are the bytes of a name of at most 16 as two little-endian words.
func words(b []byte) (low, high uint64) {
	var pad [16]byte
	copy(pad[:], b)
	return binary.LittleEndian.Uint64(pad[:]), binary.LittleEndian.Uint64(pad[8:])
}

// find returns the index in systems of the call named b, or 0.
func (n *names) find(b []byte) uint8 {
	if len(b) > 16 {
		return n.long[string(b)]
	}
	low, high := words(b)
	id, _ := n.get(low, high)
	return id
}

// get returns the index in systems of a name, and whether the name is known.
func (n *names) get(low, high uint64) (uint8, bool) {
	h := hashName(low, high)
	for {
		s := &n.slots[h%uint64(len(n.slots))]
		if s.low == low && s.high == high {
			return s.id, low != 0
		}
		if s.low == 0 {
			return 0, false
		}
		h++
	}
}

// until finds the name that stands at the beginning of b and ends before the
// byte end. It returns the name's length; 0 when the name is not known by these
// means: then it may still be a name, of more than 15 letters or of no interest.
func (n *names) until(b []byte, end byte) (id uint8, length int) {
	if len(b) < 16 {
		return 0, 0
	}
	low, high := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	length = indexIn8(low, end)
	if length < 8 {
		low, high = low&(1<<(8*length)-1), 0
	} else {
		rest := indexIn8(high, end)
		if rest == 8 {
			return 0, 0
		}
		length, high = 8+rest, high&(1<<(8*rest)-1)
	}
	id, ok := n.get(low, high)
	if !ok {
		return 0, 0
	}
	return id, length
}

// hashName spreads the names over the table.
func hashName(low, high uint64) uint64 {
	return (low ^ high*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd >> 54
}
