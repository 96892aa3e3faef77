package exchange

import "encoding/binary"

// Bounds of a Names: what one shard may keep of hosts, methods and endpoints
// that the input makes up.
const (
	maxNames     = 1 << 17
	maxNameBytes = 8 << 20
	maxName      = 1024 // longer strings are cut
)

// Names gives small numbers to byte strings. A string that was seen before
// costs no allocation. It is bounded: when it is full, new strings become 0,
// the empty string, and are counted by Refused.
type Names struct {
	ids     map[string]NameID
	list    []string
	bytes   int
	refused int64

	// recent are strings that were asked for lately, by a quick hash: a
	// connection asks for its method, host and endpoint, which are often
	// those of others, and finds them here without the map (BenchmarkNames).
	recent [recentNames]NameID
}

// recentNames is how many strings are remembered; a power of two.
const recentNames = 256

// slot is where b is remembered: by its ends, which take no loop.
func (n *Names) slot(b []byte) *NameID {
	h := uint64(len(b))
	if len(b) >= 8 {
		h ^= binary.LittleEndian.Uint64(b) ^ binary.LittleEndian.Uint64(b[len(b)-8:])*3
	} else {
		h ^= uint64(b[0])<<16 | uint64(b[len(b)-1])<<8
	}
	return &n.recent[h*0x9e3779b97f4a7c15>>32%recentNames]
}

// NewNames returns an empty Names. NameID 0 is the empty string.
func NewNames() *Names {
	return &Names{ids: make(map[string]NameID), list: []string{""}}
}

// ID returns the number of b, which is copied when it is new.
func (n *Names) ID(b []byte) NameID {
	if len(b) == 0 {
		return 0
	}
	if len(b) > maxName {
		b = b[:maxName]
	}
	slot := n.slot(b)
	if id := *slot; id != 0 && n.list[id] == string(b) {
		return id
	}
	if id, ok := n.ids[string(b)]; ok {
		*slot = id
		return id
	}
	if len(n.list) >= maxNames || n.bytes+len(b) > maxNameBytes {
		n.refused++
		return 0
	}
	s := string(b)
	id := NameID(len(n.list))
	n.list = append(n.list, s)
	n.ids[s] = id
	n.bytes += len(s)
	return id
}

// again is ID for a string that is likely to be guess's.
func (n *Names) again(guess NameID, b []byte) NameID {
	if guess != 0 && n.list[guess] == string(b) {
		return guess
	}
	return n.ID(b)
}

// String returns the string that id stands for; unknown numbers are empty.
func (n *Names) String(id NameID) string {
	if int(id) >= len(n.list) {
		return ""
	}
	return n.list[id]
}

// Len returns how many numbers were given, 0 included.
func (n *Names) Len() int { return len(n.list) }

// Refused returns how often a new string found no room.
func (n *Names) Refused() int64 { return n.refused }
