package socket

import "finwait/analyzer/event"

// kind is what an open file description is, as far as it matters.
type kind uint8

const (
	kindOther  kind = iota // no TCP socket
	kindSocket             // a TCP socket without a connection
	kindListen
	kindConn
	kindEpoll
	kindTimer // timerfd
	kindPast  // a connection that was open when the log was restarted
)

// file is an open file description: what descriptors of one or more tables
// refer to. A nil *file in a table is a descriptor that is not known.
type file struct {
	kind    kind
	refs    int32
	local   event.Endpoint // bound or printed; zero unknown
	conn    *tracked       // of kindConn
	past    *past          // of kindPast
	opts    options
	opened  moment
	by      *thread // who opened it
	fd      int32   // the first descriptor
	ringers bool    // counted among the sockets of a process that uses io_uring
}

// options are what setsockopt told the kernel about a socket.
type options struct {
	receive, send, user int64 // nanoseconds; 0 not set, -1 set to a value that is not shown
	nonBlocking         bool
	known               bool // nonBlocking is known
	abort               bool // SO_LINGER {1, 0}
	keepAlive           bool
}

// moment is when and where something happened, and its place in the order of events.
type moment struct {
	time event.Time
	line uint32
	tid  int32 // thread of the line; 0 not known
	seq  uint64
}

// start is the moment at which the call of m began.
func (m moment) start(c *event.Call) moment {
	m.time, m.line = c.At, c.Line
	return m
}

func (m moment) seen() bool { return m.line != 0 }

func (m moment) event() event.Moment { return event.Moment{Time: m.time, Frame: m.line} }

// slot is an entry of a descriptor table.
type slot struct {
	f       *file
	cloexec bool
}

// maxDense is how many descriptors a table holds in a slice; a process that
// uses higher numbers has them in a map.
const maxDense = 1 << 12

// table is the descriptor table that the threads of a process share.
type table struct {
	dense  []slot
	sparse map[int32]slot
	users  int // threads
	dead   bool

	wait   Wait        // last expiry of a wait on epoll, poll or select
	weak   Wait        // last expiry of a timer
	reads  [2]lastRead // last data read, and the last from another connection than that
	past   []expiry    // the last shared waits that expired, in a ring
	pastAt int
	freed  [64]freed // by the lowest bits of the descriptor
}

// freed is a descriptor that was closed, and when.
type freed struct {
	fd int32
	at moment
}

// free notes that a descriptor is given back at m.
func (t *table) free(fd int32, m moment) { t.freed[uint32(fd)%uint32(len(t.freed))] = freed{fd, m} }

// stale reports whether the descriptor of a call was closed after the call had
// begun: what stands beside it was printed at the beginning.
func (t *table) stale(c *event.Call) bool {
	f := &t.freed[uint32(c.FD)%uint32(len(t.freed))]
	if c.Phase != event.PhaseExit || !f.at.seen() || f.fd != c.FD {
		return false
	}
	if c.At.Known() && f.at.time.Known() {
		return c.At < f.at.time
	}
	return c.Line < f.at.line
}

// lastRead is data read from a connection.
type lastRead struct {
	conn int32 // 1 + its index; 0 nothing was read
	at   moment
}

// other is a file of no interest; all of them are one.
var other = &file{kind: kindOther}

// at returns the slot of fd.
func (t *table) at(fd int32) slot {
	if fd >= 0 && int(fd) < len(t.dense) {
		return t.dense[fd]
	}
	if t.sparse != nil {
		return t.sparse[fd]
	}
	return slot{}
}

// set puts s at fd; it does not touch references.
func (t *table) set(fd int32, s slot) {
	switch {
	case fd < 0:
	case fd < maxDense:
		for int(fd) >= len(t.dense) {
			t.dense = append(t.dense, slot{})
		}
		t.dense[fd] = s
	case s.f == nil:
		delete(t.sparse, fd)
	case len(t.sparse) < 1<<20:
		if t.sparse == nil {
			t.sparse = map[int32]slot{}
		}
		t.sparse[fd] = s
	}
}

// each calls f for every descriptor in use from low to high.
func (t *table) each(low, high int32, f func(fd int32, s slot)) {
	for fd := max(low, 0); int(fd) < len(t.dense) && fd <= high; fd++ {
		if t.dense[fd].f != nil {
			f(fd, t.dense[fd])
		}
	}
	if len(t.sparse) == 0 {
		return
	}
	for _, fd := range sortedKeys(t.sparse) {
		if fd >= low && fd <= high {
			f(fd, t.sparse[fd])
		}
	}
}

// copy returns a table with the same files, as fork makes it.
func (t *table) copy() *table {
	c := &table{dense: append([]slot(nil), t.dense...)}
	for fd, s := range t.sparse {
		c.set(fd, s)
	}
	c.each(0, 1<<31-1, func(_ int32, s slot) { s.f.refs++ })
	c.wait, c.weak = t.wait, t.weak
	return c
}

// read notes that data of c was read.
func (t *table) read(c *tracked, m moment) {
	if t.reads[0].conn != c.index+1 {
		t.reads[1] = t.reads[0]
	}
	t.reads[0] = lastRead{c.index + 1, m}
}

// otherRead returns the last data read from another connection than c.
func (t *table) otherRead(c *tracked) moment {
	if t.reads[0].conn != c.index+1 {
		return t.reads[0].at
	}
	return t.reads[1].at
}
