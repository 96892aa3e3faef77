package capture

import (
	"cmp"
	"fmt"
	"slices"

	"finwait/analyzer/event"
)

// trouble is a kind of problem. The table troubles gives each its words.
type trouble uint8

const (
	troubleCutFile trouble = iota
	troubleCutHeader
	troubleBadRecord
	troubleSkipped
	troubleZeroRecords
	troubleBadBlock
	troubleNoInterface
	troubleBadTime
	troubleNoTime
	troubleJoined
	troubleCutFrames
	troubleDrops
	troubleLinkType
	troubleShort
	troubleBroken
	troubleNested
	troubleEncrypted
	troubleFragments
	troubleFragmentLimit
)

// wording is what is said about one kind of trouble.
type wording struct {
	id     string
	text   string // without the count
	damage bool
}

// wordingOf returns the words for t.
func wordingOf(t trouble) wording {
	switch t {
	case troubleCutFile:
		return wording{"cut-file", "the file ends inside a record; bytes that could not be read", true}
	case troubleCutHeader:
		return wording{"cut-file", "the file ends inside its header; bytes that could not be read", true}
	case troubleBadRecord:
		return wording{"bad-record", "record headers with an impossible length; reading went on at the next plausible record", true}
	case troubleSkipped:
		return wording{"skipped-bytes", "bytes skipped to find the next record after damage", true}
	case troubleZeroRecords:
		return wording{"zero-records", "records of nothing but zeros, as a crash or a full disk leaves them", true}
	case troubleBadBlock:
		return wording{"bad-block", "pcapng blocks that contradict themselves", true}
	case troubleNoInterface:
		return wording{"bad-interface", "packets of a pcapng interface that was never described", true}
	case troubleBadTime:
		return wording{"bad-time", "timestamps outside the years 1678 to 2262; these packets have no time", true}
	case troubleNoTime:
		return wording{"no-time", "packets without a timestamp (pcapng simple packet blocks)", false}
	case troubleJoined:
		return wording{"joined-files", "captures appended to another one in the same file", false}
	case troubleCutFrames:
		return wording{"cut-frames", "frames captured only in part (the snaplen was smaller); requests and responses may be incomplete, capture with tcpdump -s 0", false}
	case troubleDrops:
		return wording{"drops", "packets dropped while capturing, as the file itself says; enlarge the buffer with tcpdump -B or filter more", false}
	case troubleLinkType:
		return wording{"unknown-link-type", "frames of a link type that cannot be decoded", false}
	case troubleShort:
		return wording{"undecoded-short", "frames captured too short to show the TCP header; capture with a larger snaplen (tcpdump -s 0)", false}
	case troubleBroken:
		return wording{"undecoded-broken", "frames with a link, IP or tunnel header that contradicts itself", false}
	case troubleNested:
		return wording{"undecoded-nesting", "frames with more headers inside each other than are followed", false}
	case troubleEncrypted:
		return wording{"undecoded-encrypted", "encrypted frames (IPsec ESP, MACsec, WPA)", false}
	case troubleFragments:
		return wording{"incomplete-fragments", "IP fragments of datagrams that were never complete", false}
	default: // troubleFragmentLimit
		return wording{"fragment-limit", "IP fragments given up because too many were waiting for their rest", false}
	}
}

// problemKey tells problems apart: the kind, and for some kinds a detail such
// as the link type.
type problemKey struct {
	kind   trouble
	detail uint16
}

// problems counts what went wrong. Adding to a known problem allocates nothing.
type problems struct {
	path string
	seen map[problemKey]*event.Problem
}

// add counts n more of kind k. The first time it notes the place: byte offset
// and, when it is not 0, frame.
func (ps *problems) add(k trouble, n, offset int64, frame uint32) {
	ps.addDetail(k, 0, "", n, offset, frame)
}

// addDetail is add with a detail that makes a problem of its own; name is
// appended to its text.
func (ps *problems) addDetail(k trouble, detail uint16, name string, n, offset int64, frame uint32) {
	key := problemKey{k, detail}
	if p := ps.seen[key]; p != nil {
		p.Count += n
		return
	}
	w := wordingOf(k)
	if name != "" {
		w.text += ": " + name
	}
	if ps.seen == nil {
		ps.seen = map[problemKey]*event.Problem{}
	}
	ps.seen[key] = &event.Problem{ID: w.id, Count: n, Text: w.text, Damage: w.damage, Where: place(ps.path, offset, frame)}
}

// place formats a position; a negative offset is left out.
func place(path string, offset int64, frame uint32) string {
	s := path
	if offset >= 0 {
		s += fmt.Sprintf(": byte %d", offset)
	}
	if frame != 0 {
		s += fmt.Sprintf(" (frame %d)", frame)
	}
	return s
}

// sorted returns the problems by ID, then by text.
func (ps *problems) sorted() []event.Problem {
	out := make([]event.Problem, 0, len(ps.seen))
	for _, p := range ps.seen {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b event.Problem) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Text, b.Text))
	})
	return out
}
