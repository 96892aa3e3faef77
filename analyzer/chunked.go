package analyzer

// chunkSize is how many values lie together.
const chunkSize = 1 << 10

// chunked is a list that grows without copies and joins another one without
// copies: of connections that were left alone there may be millions. The zero
// value is empty.
type chunked[T any] struct{ chunks [][]T }

// add appends a value and returns its reference.
func (c *chunked[T]) add(v T) uint32 {
	n := len(c.chunks)
	if n == 0 || len(c.chunks[n-1]) == chunkSize {
		c.chunks = append(c.chunks, make([]T, 0, chunkSize))
		n++
	}
	c.chunks[n-1] = append(c.chunks[n-1], v)
	return uint32((n-1)*chunkSize + len(c.chunks[n-1]) - 1)
}

// join appends the values of o. References into c hold, those into o do not.
func (c *chunked[T]) join(o *chunked[T]) { c.chunks = append(c.chunks, o.chunks...) }

// at is the value that a reference names.
func (c *chunked[T]) at(ref uint32) *T { return &c.chunks[ref/chunkSize][ref%chunkSize] }

// each calls f with every value and its reference.
func (c *chunked[T]) each(f func(ref uint32, v *T)) {
	for n, list := range c.chunks {
		for i := range list {
			f(uint32(n*chunkSize+i), &list[i])
		}
	}
}

// len is the number of values.
func (c *chunked[T]) len() int {
	n := 0
	for _, list := range c.chunks {
		n += len(list)
	}
	return n
}
