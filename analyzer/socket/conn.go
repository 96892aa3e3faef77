package socket

import (
	"time"

	"finwait/analyzer/conn"
	"finwait/analyzer/event"
)

// End is how the program let go of a connection. Zero: it did not, within the log.
type End uint8

const (
	EndOpen     End = iota // still open when the log ended
	EndClose               // close() of the last descriptor
	EndShutdown            // shutdown() before any close
	EndDup                 // dup2() put another file in its place
	EndExec                // closed on exec
	EndExit                // the process exited
	EndKilled              // the process was killed by a signal
	EndUnseen              // its descriptor was given out again, but no close was shown
	EndConnect             // connect() failed
	EndDetached            // strace let go of the process
)

// WaitKind is what kind of wait expired. Zero: none did.
type WaitKind uint8

const (
	WaitNone   WaitKind = iota
	WaitKernel          // the kernel's timeout of this very socket (SO_RCVTIMEO and its kin)
	WaitOwn             // poll or select on this very descriptor
	WaitTable           // epoll, poll or select of the same process, not on this descriptor alone
	WaitTimer           // a futex, a sleep or a timer of the same process: weak
)

// Wait is a wait that ended by its timeout.
type Wait struct {
	Kind    WaitKind
	Name    string        // the call, such as "epoll_pwait"
	Timeout time.Duration // what it was given; event.NoTimeout when the log does not show it
	Line    uint32        // where it ended
	TID     int32         // thread that waited; 0 not known
	At      event.Time    // when it ended
	seq     uint64
}

// Evidence is what only a log shows of a connection. Lines are 1-based; 0
// means that it did not happen or was not shown.
type Evidence struct {
	PID  int32  // process; 0 unknown
	TID  int32  // thread that opened the socket
	FD   int32  // its descriptor, the first of them
	Comm string // the thread's name; "" unknown

	SocketLine, ConnectLine, RequestLine, ResponseLine, CloseLine uint32

	CloseTID int32      // thread that closed it
	ClosedAt event.Time // when the program closed it or shut it down; NoTime it did not
	End      End
	Wait     Wait          // the strongest that expired while a request was outstanding, or the connection was being made
	Expired  int           // waits that expired meanwhile
	Waited   time.Duration // the sum of their timeouts: a lower bound of the elapsed time where there is no clock

	ReceiveTimeout, SendTimeout, UserTimeout time.Duration // set in the kernel; 0 not set
	NonBlocking                              bool
	AbortingLinger                           bool        // SO_LINGER with 0 seconds: close sends a RST
	Errno                                    event.Errno // of the connect, read or write that failed; 0 none
	ErrnoLine                                uint32

	EOFLine  uint32     // the peer's FIN was read here
	EOFAt    event.Time // and when
	Other    uint32     // line of data read from another socket between the expired wait and the close (a hedged request); 0 none
	Alert    uint32     // line of the TLS alert that the program wrote before the close
	Answer   int64      // bytes read since the program last sent any
	Active   bool       // another connection of the process was used between the last byte and the close
	Opaque   bool       // the process uses io_uring
	Unsure   bool       // the last response's length is not shown
	Linked   int32      // 1 + index of the Conn that is the other end of this one, in the same log, negative where this one accepted; 0 none
	Idle     bool       // a wait of the process expired between the last byte and the close
	Early    bool       // the socket was open before the log began
	Reused   bool       // at least one request had been answered before the outstanding one
	Broken   bool       // the kernel gave the connection up (ETIMEDOUT, EHOSTUNREACH)
	Kernel   bool       // connect() on a blocking socket ran into SO_SNDTIMEO
	Exiting  bool       // the process exited right after the close, with no request between
	Accepted bool       // the program is the server
	Guessed  bool       // the thread's table is a guess
	Glanced  bool       // the peer's FIN was not read: a look at the socket found it readable, then it was closed

	tids        [places]int32 // threads of the lines, in the order of Evidence.lines
	ServerAlert bool          // a TLS alert of the server was the last that was read
}

// The places of lines in Evidence.lines, and how many there are.
const (
	placeWait  = 3
	placeErrno = 4
	placeEOF   = 7
	places     = 9
)

// EOFTID is the thread that read the peer's FIN; 0 not known.
func (e *Evidence) EOFTID() int32 { return e.tids[placeEOF] }

// Conn is one connection as the log showed it.
type Conn struct {
	Record   conn.Record
	Evidence Evidence
	Verdict  Verdict
}

// Leak reports whether the peer closed and the program never did.
func (c *Conn) Leak() bool { return c.Evidence.leak() }

func (e *Evidence) leak() bool { return e.EOFLine != 0 && e.End == EndOpen }
