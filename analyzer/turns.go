package analyzer

import (
	"io"
	"sync"

	"finwait/analyzer/event"
)

// job is a batch on its way through the shards.
type job struct {
	batch event.Batch
	parts [shards][]uint16 // which segments are of each shard
	end   event.Time       // of the view by now
	left  sync.WaitGroup   // shards that have not taken theirs
}

// ring is how many batches are under way at once: enough that reader and
// workers rarely wait for each other.
const ring = 8

// parallel reads in one goroutine and follows connections in others. Every
// shard sees its segments in order, whoever works on it.
func (a *Analyzer) parallel(v *view, src Source) error {
	t := turns{ready: make(chan int, shards)}
	var workers sync.WaitGroup
	for range min(a.opts.Jobs, shards) {
		workers.Go(func() { t.work(v) })
	}
	var jobs [ring]job
	err := a.dispatch(v, src, &jobs, &t)
	for i := range jobs {
		jobs[i].left.Wait()
	}
	close(t.ready)
	workers.Wait()
	return err
}

// dispatch reads batches and gives them to the shards.
func (a *Analyzer) dispatch(v *view, src Source, jobs *[ring]job, t *turns) error {
	for i := 0; ; i++ {
		j := &jobs[i%ring]
		j.left.Wait()
		err := src.Next(&j.batch)
		if err != nil && err != io.EOF {
			return err
		}
		v.observe(j, &a.opts)
		j.left.Add(shards)
		t.give(j)
		if err == io.EOF {
			return nil
		}
	}
}

// turns tells workers which shard to take next: any that batches wait for and
// that no other worker has. So no core is idle while there is work, even when the
// reader needs one of them for half of the time.
type turns struct {
	ready chan int // shards whose turn it is; each at most once
	mu    sync.Mutex
	lines [shards]line
}

// line holds the jobs that wait for a shard, in order.
type line struct {
	jobs  [ring]*job
	first int
	n     int
	taken bool // the shard is ready, or somebody works on it
}

// give puts a job into all lines.
func (t *turns) give(j *job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range t.lines {
		l := &t.lines[k]
		l.jobs[(l.first+l.n)%ring] = j
		l.n++
		if !l.taken {
			l.taken = true
			t.ready <- k
		}
	}
}

// take removes the first job of a line that is not empty.
func (t *turns) take(k int) *job {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := &t.lines[k]
	j := l.jobs[l.first]
	l.first, l.n = (l.first+1)%ring, l.n-1
	return j
}

// leave ends the work on a shard.
func (t *turns) leave(k int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := &t.lines[k]; l.n > 0 {
		t.ready <- k
	} else {
		l.taken = false
	}
}

// work is one worker.
func (t *turns) work(v *view) {
	for k := range t.ready {
		j := t.take(k)
		v.shards[k].follow(j, k)
		t.leave(k)
		j.left.Done()
	}
}
