package analyzer

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestTurns: every shard gets every job once, in order, and one worker at a time.
func TestTurns(t *testing.T) {
	const rounds = 500
	turns := turns{ready: make(chan int, shards)}
	var jobs [ring]job
	var busy [shards]atomic.Bool
	var seen [shards]int
	var workers sync.WaitGroup
	for range 5 {
		workers.Go(func() {
			for k := range turns.ready {
				if busy[k].Swap(true) {
					t.Errorf("two workers have shard %d", k)
				}
				j := turns.take(k)
				if want := &jobs[seen[k]%ring]; j != want {
					t.Errorf("shard %d: job %p in round %d, want %p", k, j, seen[k], want)
				}
				seen[k]++
				busy[k].Store(false)
				turns.leave(k)
				j.left.Done()
			}
		})
	}
	for i := range rounds {
		j := &jobs[i%ring]
		j.left.Wait()
		j.left.Add(shards)
		turns.give(j)
	}
	for i := range jobs {
		jobs[i].left.Wait()
	}
	close(turns.ready)
	workers.Wait()
	for k, n := range seen {
		if n != rounds {
			t.Errorf("shard %d took %d jobs of %d", k, n, rounds)
		}
	}
}
