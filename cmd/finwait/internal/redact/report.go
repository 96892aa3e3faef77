package redact

import (
	"path"

	"finwait/analyzer"
)

// Flow replaces the fields of a connection in place. Pointers are replaced, not
// what they point to, since connections may share it.
func (r *Redactor) Flow(f *analyzer.Flow) {
	f.Input = r.File(f.Input)
	f.Client, f.Server = r.Address(f.Client), r.Address(f.Server)
	f.ServerName = each(f.ServerName, r.Name)
	if f.Process != nil {
		p := *f.Process
		p.Comm = each(p.Comm, r.Program)
		f.Process = &p
	}
	if f.Close.Request != nil {
		q := *f.Close.Request
		q.Host, q.Path = each(q.Host, r.Name), each(q.Path, r.Path)
		q.Endpoint = r.Endpoint(q.Endpoint)
		f.Close.Request = &q
	}
	f.Close.Because = r.Text(f.Close.Because)
	f.Close.Evidence = all(f.Close.Evidence, r.Payload)
	f.Notes = all(f.Notes, r.Text)
}

// Ladder replaces the fields of a ladder in place.
func (r *Redactor) Ladder(l *analyzer.Ladder) {
	r.Flow(&l.Flow)
	for i := range l.Steps {
		s := &l.Steps[i]
		s.What, s.Note = r.Payload(s.What), r.Payload(s.Note)
	}
}

// Report replaces the fields of a report in place. Structured fields come
// first: what they name is then known in the sentences.
func (r *Redactor) Report(x *analyzer.Report) {
	for i := range x.Inputs {
		in := &x.Inputs[i]
		base := path.Base(in.Path)
		in.Path = r.File(in.Path)
		if base != "-" {
			r.files[base] = in.Path // messages may name the file without its folder
		}
		in.Host = each(in.Host, r.Name)
	}
	r.tables(x)
	if x.Settings.Filter != "" {
		x.Settings.Filter = standIn(r.filters, x.Settings.Filter, "filter-%d")
	}
	for i := range x.Processes {
		p := &x.Processes[i]
		p.Comm = each(p.Comm, r.Program)
		p.Text = r.Payload(p.Text)
		p.Evidence = all(p.Evidence, r.Payload)
		for k := range p.LongCalls {
			p.LongCalls[k].Line = r.Payload(p.LongCalls[k].Line)
		}
	}
	for i := range x.Clocks {
		c := &x.Clocks[i]
		c.Input, c.Against, c.Text = r.File(c.Input), r.File(c.Against), r.Text(c.Text)
	}
	for i := range x.Findings {
		f := &x.Findings[i]
		f.Server, f.Endpoint = r.Address(f.Server), r.Endpoint(f.Endpoint)
		f.Title, f.Text = r.Text(f.Title), r.Text(f.Text)
		f.Advice, f.Disproof = r.Text(f.Advice), r.Text(f.Disproof)
	}
	for i := range x.Quality {
		q := &x.Quality[i]
		q.Text, q.Where = r.Text(q.Text), r.Text(q.Where)
	}
	x.Verdict = r.Text(x.Verdict)
}

// tables replaces the fields of the report's rows.
func (r *Redactor) tables(x *analyzer.Report) {
	for i := range x.Clients {
		x.Clients[i].Client = r.Address(x.Clients[i].Client)
	}
	for i := range x.Peers {
		p := &x.Peers[i]
		p.Server, p.ServerName = r.Address(p.Server), each(p.ServerName, r.Name)
	}
	for i := range x.Endpoints {
		e := &x.Endpoints[i]
		e.Server, e.Endpoint = r.Address(e.Server), r.Endpoint(e.Endpoint)
	}
	for i := range x.WhatIf {
		w := &x.WhatIf[i]
		w.Server, w.Endpoint = r.Address(w.Server), r.Endpoint(w.Endpoint)
	}
	for i := range x.Timers {
		t := &x.Timers[i]
		t.Client, t.Servers = r.Address(t.Client), all(t.Servers, r.Address)
		t.Meaning = r.Text(t.Meaning)
	}
	for i := range x.Timeline.Series {
		s := &x.Timeline.Series[i]
		s.Peer = r.Address(s.Peer)
	}
}

// each replaces what p points to; nil stays nil.
func each(p *string, replace func(string) string) *string {
	if p == nil {
		return nil
	}
	s := replace(*p)
	return &s
}

// all replaces every text of a list, which stays as it was.
func all(list []string, replace func(string) string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = replace(s)
	}
	return out
}
