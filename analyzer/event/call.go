package event

import "time"

// CallKind is what a Call does, as far as sockets and processes are concerned.
// Zero is a call that nothing looks at.
type CallKind uint8

const (
	CallNone         CallKind = iota
	CallSocket                // Ret is a new socket; Family and the flags say which
	CallSocketpair            // FDs are two new descriptors, neither of them TCP
	CallConnect               // FD, Addr
	CallBind                  // FD, Addr
	CallListen                // FD
	CallAccept                // FD is the listener, Ret the new socket, Addr the peer when printed
	CallSockname              // getsockname: FD, Addr
	CallPeername              // getpeername: FD, Addr
	CallSetOption             // setsockopt: FD, Option, Value
	CallGetOption             // getsockopt: FD, Option, Value
	CallShutdown              // FD; Value 0 is SHUT_RD, 1 SHUT_WR, 2 SHUT_RDWR
	CallRead                  // every call that takes bytes from FD: Size, Data
	CallWrite                 // every call that gives bytes to FD: Size, Data
	CallTransfer              // sendfile, splice: from FD2 to FD, Size bytes, no Data
	CallClose                 // FD
	CallCloseRange            // FD to FD2 inclusive; CloseOnExec: they are only marked
	CallDup                   // dup, fcntl F_DUPFD: FD becomes Ret as well
	CallDupTo                 // dup2, dup3: FD becomes FD2 as well, whatever FD2 was is closed
	CallSetFD                 // FD's close-on-exec becomes CloseOnExec
	CallSetFlags              // FD's blocking mode becomes NonBlocking
	CallOpen                  // Ret is a new descriptor of no interest
	CallOpenTwo               // FDs are new descriptors of no interest (pipe)
	CallEpollOpen             // Ret is a new epoll descriptor
	CallEpollAdd              // FD is the epoll, FD2 the descriptor it watches from now on
	CallEpollDel              // FD is the epoll, FD2 the descriptor it watches no more
	CallEpollWait             // FD is the epoll, Timeout, Ret events; Value is for how many it asks
	CallPoll                  // poll, ppoll, select, pselect6: FDs, Timeout, Ret events; Value 0: it waits for no descriptor
	CallFutex                 // a futex wait that ended by its timeout
	CallSleep                 // nanosleep and its kin: Timeout
	CallTimer                 // setitimer, alarm, timerfd_settime armed: Timeout
	CallRestart               // restart_syscall: a wait that began before the log ended with Ret
	CallClone                 // clone, clone3, fork, vfork: Ret is the child; SharesFiles, SharesThread
	CallUnshareFiles          // the descriptor table is this thread's own from now on
	CallExec                  // execve, execveat: Data is the program's path
	CallExit                  // the thread exits
	CallExitGroup             // the process exits
	CallProcess               // Ret is the process (thread group) that TID belongs to
	CallThreads               // tgkill: FD is a process, FD2 a thread of it
	CallUring                 // io_uring: work that no line shows
	CallSignal                // a signal arrived: Value is its number, Ret the process that sent it (SIGCHLD: the child), or 0
	CallGone                  // "+++ exited" or "+++ killed": TID is gone; Killed with the signal in Value
	CallSuperseded            // "+++ superseded by execve in pid N": TID lives on as what N was
	CallAttached              // strace attached to the thread Ret
	CallDetached              // strace let go of TID; whatever it had open is open at the end
	CallClosesShown           // not a call: the log shows closes, as its beginning tells; comes first if at all
	CallSame                  // lines without a pid, so far TID 0, are those of the thread Ret
)

// Phase tells which part of a call a Call value is. A call that one line shows
// whole is one value; a call that other lines interrupt is an entry, for the
// kinds whose effect or beginning matters then, and later an exit with all
// arguments and the result.
type Phase uint8

const (
	PhaseWhole Phase = iota
	PhaseEnter       // arguments as far as printed; no result yet
	PhaseExit        // result and all arguments
	PhaseLost        // an exit whose entry the log lacks: arguments may be missing, FD is -1 when it is
	PhaseNever       // the thread ended, or the log did, before the call returned
)

// Option is a socket option, of those that tell how a program waits and how a
// connection ends.
type Option uint8

const (
	OptionOther       Option = iota
	OptionReceiveTime        // SO_RCVTIMEO: Value is nanoseconds, -1 when not shown
	OptionSendTime           // SO_SNDTIMEO: Value is nanoseconds, -1 when not shown
	OptionUserTimeout        // TCP_USER_TIMEOUT: Value is nanoseconds
	OptionSynCount           // TCP_SYNCNT
	OptionKeepAlive          // SO_KEEPALIVE
	OptionLinger             // SO_LINGER: Value is -1 when off, else seconds
	OptionError              // SO_ERROR: Value is an errno, 0 for none
)

// String is the option's name in C; "" for OptionOther.
func (o Option) String() string {
	switch o {
	case OptionReceiveTime:
		return "SO_RCVTIMEO"
	case OptionSendTime:
		return "SO_SNDTIMEO"
	case OptionUserTimeout:
		return "TCP_USER_TIMEOUT"
	case OptionSynCount:
		return "TCP_SYNCNT"
	case OptionKeepAlive:
		return "SO_KEEPALIVE"
	case OptionLinger:
		return "SO_LINGER"
	case OptionError:
		return "SO_ERROR"
	}
	return ""
}

// CallFlags are facts about one call.
type CallFlags uint16

const (
	NonBlocking   CallFlags = 1 << iota // the call made the descriptor non-blocking, or is itself (MSG_DONTWAIT)
	CloseOnExec                         // the new descriptor closes on exec
	Stream                              // socket(): SOCK_STREAM of IPv4 or IPv6 for TCP or MPTCP
	Peek                                // MSG_PEEK: the bytes stay in the socket
	SharesFiles                         // clone: the child shares the descriptor table
	SharesThread                        // clone: the child is a thread of the process
	FlagsUnknown                        // clone: printed by number or raw, so it cannot be told what is shared
	Waits                               // vfork: the parent stands still until the child execs or exits
	DataCut                             // Data holds fewer bytes than were transferred
	FDGuessed                           // the entry is missing and FD was taken from the thread's neighbouring calls
	Injected                            // the result was made up by strace (-e inject)
	Killed                              // CallGone by a signal
	FailedUnknown                       // no result: "= ?"
	Rights                              // FDs are descriptors passed by SCM_RIGHTS
)

// Descriptor is what the log prints beside FD (-y, -yy).
type Descriptor uint8

const (
	DescriptorUnknown Descriptor = iota // the log does not say
	DescriptorTCP                       // a TCP socket; Local and Remote when it is connected
	DescriptorSocket                    // some socket
	DescriptorOther                     // no TCP socket
)

// Family is the address family of a socket or an address, as far as it matters.
type Family uint8

const (
	FamilyUnknown Family = iota
	FamilyInet           // IPv4 or IPv6
	FamilyNone           // AF_UNSPEC: connect dissolves the association
	FamilyOther          // unix, netlink, packet and so on
)

// NoFD stands for a descriptor that is not known or does not apply.
const NoFD int32 = -1

// NoTimeout is the timeout of a wait without a limit, and of a call that is no wait.
const NoTimeout time.Duration = -1

// Call is one system call of one thread, or what strace said about the thread,
// as one or two lines of a log showed it. It is a plain value; Data and FDs
// point into its batch.
type Call struct {
	Kind  CallKind
	Phase Phase
	Errno Errno // 0: it did not fail, or FailedUnknown
	Flags CallFlags

	Option Option
	Family Family
	What   Descriptor // what the log says FD is
	Input  uint16     // which input, from 0

	TID     int32  // thread; 0 when the log names none
	Line    uint32 // where the call began; the line of the exit when its beginning is missing
	EndLine uint32 // where it ended; equals Line for a call on one line
	Name    string // as strace names it
	Comm    string // the thread's name (-Y); "" unknown

	At  Time // when the call began; NoTime without a clock
	End Time // when it returned; NoTime when that is not known

	FD, FD2 int32         // NoFD when unknown
	Ret     int64         // the result; valid unless FailedUnknown is set
	Value   int64         // see the kinds
	Size    int64         // bytes transferred; 0 none
	Timeout time.Duration // of a wait; NoTimeout: none; 0: the call only looks
	Addr    Endpoint      // zero when the call shows none

	Local, Remote Endpoint // of FD, when the log prints them beside it (-yy)
	Inode         uint64   // of FD, when the log prints it (-y); 0 unknown

	Data []byte  // the bytes transferred, as far as printed
	FDs  []int32 // see the kinds
}

// Failed reports whether the call is known to have failed.
func (c *Call) Failed() bool { return c.Errno != 0 }

// CallBatch is a run of calls with the memory they point into. The reader that
// filled it owns nothing afterwards: a batch may be handed on while the next
// one is being filled.
type CallBatch struct {
	Calls []Call
	Data  []byte  // what Call.Data points into
	FDs   []int32 // what Call.FDs points into
}

// Reset empties the batch and keeps its memory.
func (b *CallBatch) Reset() {
	b.Calls = b.Calls[:0]
	b.Data = b.Data[:0]
	b.FDs = b.FDs[:0]
}

// Clock says how a strace log tells time.
type Clock uint8

const (
	ClockNone     Clock = iota // no times at all: only the order of lines
	ClockAbsolute              // seconds since the epoch (-ttt)
	ClockDay                   // local time of day without a date (-t, -tt): Time counts from 1970-01-01
	ClockRelative              // differences between lines (-r): Time counts from the first line
	ClockWrapper               // what shipped the log stamped each line; strace itself did not
)

// Trace is what one strace log turned out to be. It decides which conclusions
// can be drawn at all.
type Trace struct {
	Clock      Clock
	Resolution time.Duration // of the clock: a second for -t; 0 without a clock
	Follow     bool          // more than one thread was traced (-f)
	Durations  bool          // calls carry their duration (-T)
	Paths      bool          // descriptors carry what they are (-y)
	Addresses  bool          // sockets carry their addresses (-yy)
	Separate   bool          // one file a thread (-ff)
	Inferred   bool          // how the lines of several files interleave was inferred, since they carry no moments
	Merged     bool          // files of -ff merged by their entry times, as strace-log-merge does
	Attached   bool          // the log starts in the middle of a process (-p, or cut)
	Cut        int           // bytes at which strings are cut (-s); 0 none was
	Wrapper    string        // what the lines were wrapped in, such as "kubectl" or "journal"; "" nothing
	Since      string        // the oldest strace that writes such lines, as far as told; ""
	Until      string        // the newest; ""
	Lines      int64         // lines in all
	Foreign    int64         // lines that are no strace output
	Tail       bool          // the last line is cut short
	Rate       float64       // calls a second, in the busiest megabyte of the log; 0 not known

	// Calls counts calls by name, sorted by name; the ones that nothing looks at are under "other".
	Calls []CallCount
}

// Undated reports whether the log's times tell durations but not moments: they
// have no date, or count from the first line.
func (t *Trace) Undated() bool { return t.Clock == ClockDay || t.Clock == ClockRelative }

// CallCount is how often a call occurs in a log.
type CallCount struct {
	Name  string
	Count int64
}

// Traced returns how many calls of the names the log holds.
func (t *Trace) Traced(names ...string) int64 {
	var n int64
	for i := range t.Calls {
		for _, name := range names {
			if t.Calls[i].Name == name {
				n += t.Calls[i].Count
			}
		}
	}
	return n
}
