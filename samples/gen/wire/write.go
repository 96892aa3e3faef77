package wire

import (
	"container/heap"
	"io"
	"time"
)

// Write writes the capture to w and returns the truth about it.
func Write(w io.Writer, c Config) (Total, error) {
	c, err := c.defaults()
	if err != nil {
		return Total{}, err
	}
	a := newAuthor(c)
	f := newFile(w, c)
	var q queue
	for range c.Concurrent {
		s := new(script)
		a.open(s, a.between(0, 500*time.Millisecond))
		q = append(q, s)
	}
	heap.Init(&q)
	var spare []*script
	for len(q) > 0 && f.err == nil {
		s := q[0]
		p := &s.packets[s.next]
		a.total.Span = p.at
		f.packet(s, p)
		opens := s.next == s.done && a.opened < c.Conns
		if s.next++; s.next < len(s.packets) {
			heap.Fix(&q, 0)
		} else {
			spare = append(spare, heap.Pop(&q).(*script))
		}
		if !opens {
			continue
		}
		t := new(script)
		if n := len(spare); n > 0 {
			t, spare = spare[n-1], spare[:n-1]
		}
		a.open(t, a.total.Span+a.between(50*time.Microsecond, time.Millisecond))
		heap.Push(&q, t)
	}
	f.flush()
	a.total.Packets, a.total.Bytes = f.packets, f.bytes
	return a.total, f.err
}

// queue holds scripts by the time of their next packet.
type queue []*script

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if s, t := a.packets[a.next].at, b.packets[b.next].at; s != t {
		return s < t
	}
	return a.id < b.id
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is heap.Interface's.
func (q *queue) Push(x any) { *q = append(*q, x.(*script)) }

// Pop is heap.Interface's.
func (q *queue) Pop() any {
	n := len(*q) - 1
	s := (*q)[n]
	*q = (*q)[:n]
	return s
}
