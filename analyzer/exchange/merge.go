package exchange

import (
	"maps"
	"slices"
	"strings"
)

// When a path segment counts as variable because of how many values it takes.
const (
	manyValues = 50   // more distinct values than this under one parent, each rare
	hugeValues = 1000 // or more than this, however often each comes
	rareValue  = 10   // requests a value, on average, that make values rare
	mainShare  = 20   // a value with a 1/mainShare of the requests is a name of its own, such as /user/me
)

// Merge folds path segments that are no numbers or tokens but take very many
// values at the same place, such as user names: below one parent, values with
// one extension. counts holds the requests of every endpoint; the result holds
// the endpoints that get another name. It needs to see all endpoints, so it
// runs at the end. A flat API with more than 50 seldom used methods is folded
// too, which is wrong; its parent and its share tell the reader which it is.
func Merge(counts map[string]int) map[string]string {
	roots := make(map[string]*place)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		method, path, ok := strings.Cut(name, " /")
		if !ok {
			continue
		}
		root := roots[method]
		if root == nil {
			root = &place{}
			roots[method] = root
		}
		root.add(strings.Split(path, "/"), name, counts[name])
	}
	renamed := make(map[string]string)
	for method, root := range roots {
		root.fold()
		root.rename(method+" ", renamed)
	}
	return renamed
}

// place is a position in the paths of a method: what may follow the same start.
type place struct {
	next  map[string]*place
	total int      // requests of all endpoints through here
	ends  []string // endpoints that end here
}

func (p *place) add(path []string, name string, count int) {
	p.total += count
	if len(path) == 0 {
		p.ends = append(p.ends, name)
		return
	}
	p.child(path[0]).add(path[1:], name, count)
}

func (p *place) child(segment string) *place {
	if p.next == nil {
		p.next = make(map[string]*place)
	}
	c := p.next[segment]
	if c == nil {
		c = &place{}
		p.next[segment] = c
	}
	return c
}

// fold replaces the values of variable segments below p.
func (p *place) fold() {
	for ext, values := range p.values() {
		values, total := p.minor(values)
		n := len(values)
		if n <= manyValues || n <= hugeValues && total >= n*rareValue {
			continue
		}
		for _, v := range values {
			c := p.next[v]
			delete(p.next, v)
			p.child(variable + ext).absorb(c)
		}
	}
	for _, c := range p.next {
		c.fold()
	}
}

// minor returns those of the values that are not names of their own, and how
// many requests they have together.
func (p *place) minor(values []string) (rest []string, total int) {
	for _, v := range values {
		total += p.next[v].total
	}
	share := total / mainShare
	for _, v := range values {
		if n := p.next[v].total; n > share && n > rareValue {
			total -= n
		} else {
			rest = append(rest, v)
		}
	}
	return rest, total
}

// values lists the literal segments that follow p by their extension, sorted.
func (p *place) values() map[string][]string {
	byExt := make(map[string][]string)
	for _, s := range slices.Sorted(maps.Keys(p.next)) {
		if s == "" || strings.HasPrefix(s, variable) {
			continue
		}
		ext := ""
		if i := strings.LastIndexByte(s, '.'); i > 0 && len(s)-i <= 6 && isExtension([]byte(s[i+1:])) {
			ext = s[i:]
		}
		byExt[ext] = append(byExt[ext], s)
	}
	return byExt
}

// absorb adds what follows q to what follows p.
func (p *place) absorb(q *place) {
	p.total += q.total
	p.ends = append(p.ends, q.ends...)
	for s, c := range q.next {
		p.child(s).absorb(c)
	}
}

// rename collects the endpoints whose name is no longer that of their place.
func (p *place) rename(name string, renamed map[string]string) {
	for _, old := range p.ends {
		if old != name {
			renamed[old] = name
		}
	}
	for s, c := range p.next {
		c.rename(name+"/"+s, renamed)
	}
}
