package exchange

import "finwait/analyzer/event"

// maxOutstanding bounds the requests of a connection that are tracked at once.
// Requests beyond it are counted, and so are their responses, but they have no
// Exchange. Pipelines of real HTTP clients are far shorter; Redis clients
// that pipeline thousands of commands get their tail judged as one.
const maxOutstanding = 256

type entryFlags uint8

const (
	entryHead     entryFlags = 1 << iota // HEAD: the response has no body
	entryConnect                         // CONNECT: a 2xx makes the connection a tunnel
	entryComplete                        // the response has ended, delivered or late
	entrySoft                            // the response ends when the client goes on: its framing does not tell
	entryLost                            // bytes of the response are missing; what they said is not known
	entryUnseen                          // no byte of the request was seen
)

// entry is an exchange in flight.
type entry struct {
	Exchange
	path  []byte // what Path will be if the request stays outstanding; reused
	want  uint16 // replies to come, where a request has several (Redis SUBSCRIBE)
	flags entryFlags
}

func (x *entry) has(f entryFlags) bool { return x.flags&f != 0 }

// queue holds the requests of a connection in order: first those whose
// response has ended but may yet turn out not to have been delivered, then
// those that wait.
type queue struct {
	slots  []entry // a ring; inline until a client pipelines
	first  int32
	n      int32
	ended  int32  // how many of the n, from the first, are complete
	over   uint32 // requests after the last slot that found no room
	inline [1]entry
}

// init makes a zero queue ready. path is memory for the path in its inline slot.
func (q *queue) init(path []byte) {
	if cap(path) <= 512 {
		q.inline[0].path = path[:0]
	}
	q.slots = q.inline[:]
}

// at returns the i-th request; i must be below n.
func (q *queue) at(i int32) *entry {
	i += q.first
	if n := int32(len(q.slots)); i >= n {
		i -= n
	}
	return &q.slots[i]
}

// waiting returns the oldest request whose response has not ended, or nil.
func (q *queue) waiting() *entry {
	if q.ended == q.n {
		return nil
	}
	return q.at(q.ended)
}

// newest returns the request that the client sent last; nil when there is none
// or it found no room.
func (q *queue) newest() *entry {
	if q.n == 0 || q.over > 0 {
		return nil
	}
	return q.at(q.n - 1)
}

// push adds a request that starts at m; nil when there is no room.
func (q *queue) push(m event.Moment) *entry {
	if q.over > 0 || int(q.n) == len(q.slots) && !q.grow() {
		q.over++
		return nil
	}
	q.n++
	x := q.at(q.n - 1)
	*x = entry{path: x.path[:0]}
	x.Start, x.End = m, m
	return x
}

func (q *queue) grow() bool {
	if len(q.slots) >= maxOutstanding {
		return false
	}
	slots := make([]entry, min(4*len(q.slots), maxOutstanding))
	for i := range q.n {
		slots[i] = *q.at(i)
		slots[i].path = append([]byte(nil), slots[i].path...) // the inline slot keeps its own
	}
	q.slots, q.first = slots, 0
	return true
}

// shift removes the first request, which must be complete.
func (q *queue) shift() {
	q.first++
	if int(q.first) == len(q.slots) {
		q.first = 0
	}
	q.n--
	q.ended--
}
