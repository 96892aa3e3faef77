package capture

// Filter is a BPF filter as tcpdump takes it. It compiles itself for each link
// type that it meets. It is used by one goroutine at a time.
//
// It sees frames, not what is inside tunnels or fragments: a later fragment has
// no ports, and "port 80" does not match it.
type Filter struct {
	expr     string
	programs map[uint16]*program
}

// String returns the expression.
func (f *Filter) String() string { return f.expr }

// match reports whether the frame in rec matches. An error says that the
// expression makes no sense for the frame's link type.
func (f *Filter) match(rec *record) (bool, error) {
	p := f.programs[rec.link.dlt]
	if p == nil {
		var err error
		if p, err = compile(f.expr, rec.link.dlt); err != nil {
			return false, err
		}
		f.programs[rec.link.dlt] = p
	}
	return p.matches(rec), nil
}

// CompileFilter checks a filter expression and returns the filter. It is
// compiled for Ethernet at first; what is wrong only for the link types of a
// capture is an error of Reader.Next.
func CompileFilter(expr string) (*Filter, error) {
	p, err := compile(expr, linkEthernet)
	if err != nil {
		return nil, err
	}
	return &Filter{expr: expr, programs: map[uint16]*program{linkEthernet: p}}, nil
}
