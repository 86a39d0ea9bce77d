package vault_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bound is for how long another process may go on. Openings are dated by when
// they began, so nothing that the machine does to a process between its look at
// the fence and its answer counts; slack is for clocks: ages are measured on
// the monotonic one, and two processes can be compared only by the other.
const (
	bound = time.Second
	slack = 50 * time.Millisecond
)

// TestShred_AnotherProcessStopsWithinTheBound keeps a key cached in one process,
// with and without Run, and destroys it in another.
func TestShred_AnotherProcessStopsWithinTheBound(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		here := childConfig{Database: d, FenceAge: bound}.start(t)
		for _, run := range []bool{false, true} {
			there := childConfig{Database: d, FenceAge: bound, Run: run}.start(t)
			own, hosts := fmt.Sprintf("own-%v", run), fmt.Sprintf("hosts-%v", run)
			sealed := here.ask(request{Op: "seal", Subjects: []string{own, hosts}}).Sealed

			there.ask(request{Op: "watch", Subjects: []string{own}, Sealed: sealed[:1]})
			died := here.ask(request{Op: "shred", Subjects: []string{own}}).At
			stoppedInTime(t, died, there.ask(request{Op: "watched"}).Watch)

			there.ask(request{Op: "watch", Subjects: []string{hosts}, Sealed: sealed[1:]})
			undecided := here.ask(request{Op: "begin and shred", Subjects: []string{hosts}}).At
			here.opens(t, hosts, sealed[1], pending)
			died = here.ask(request{Op: "commit"}).At
			seen := there.ask(request{Op: "watched"}).Watch
			stoppedInTime(t, died, seen)
			for _, s := range seen {
				require.Greater(t, s.LastEnded, undecided, "refused before there was anything to refuse")
			}
			for _, p := range []*process{here, there} {
				for i, subject := range []string{own, hosts} {
					p.staysDead(t, subject, sealed[i])
				}
			}
			there.Kill()
		}
	})
}

// stoppedInTime checks that nothing opened later than the bound allows, nor
// again after it had been refused.
func stoppedInTime(t *testing.T, died int64, seen []sight) {
	t.Helper()
	require.Len(t, seen, 2)
	for i, s := range seen {
		require.Positive(t, s.Opened)
		require.Zero(t, s.Relapses, "way %d opened again after it had refused", i)
		require.LessOrEqual(t, time.Duration(s.LastBegan-died), bound+slack, "way %d", i)
		require.Empty(t, s.Others, "way %d", i)
	}
}

// opens checks what becomes of opening, in both ways.
func (p *process) opens(t *testing.T, subject string, sealed []byte, want string) {
	t.Helper()
	got := p.ask(request{Op: "open", Subjects: []string{subject}, Sealed: [][]byte{sealed}}).Opened
	require.Equal(t, []string{want, want}, got)
}

// staysDead checks that a person's data opens nowhere and that no key is made
// under their id. What the host has committed may be found out a moment later.
func (p *process) staysDead(t *testing.T, subject string, sealed []byte) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		got := p.ask(request{Op: "open", Subjects: []string{subject}, Sealed: [][]byte{sealed}}).Opened
		require.NotContains(t, got, ok)
		require.Equal(c, []string{shredded, shredded}, got)
	}, time.Minute, 10*time.Millisecond)
	again := p.ask(request{Op: "seal again", Subjects: []string{subject}}).Opened
	require.Equal(t, []string{shredded, shredded}, again)
}

// TestShred_StaysDeadAfterARestart kills both processes and starts them again.
func TestShred_StaysDeadAfterARestart(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		config := childConfig{Database: d, FenceAge: bound}
		first := config.start(t)
		sealed := first.ask(request{Op: "seal", Subjects: []string{"1", "2"}}).Sealed
		first.ask(request{Op: "shred", Subjects: []string{"1"}})
		first.Kill()
		for _, p := range []*process{config.start(t), config.start(t)} {
			p.staysDead(t, "1", sealed[0])
			p.opens(t, "2", sealed[1], ok)
		}
	})
}

// TestShred_RolledBackByTheHostNeverReachesAnotherProcess also shows that the
// process itself opens again.
func TestShred_RolledBackByTheHostNeverReachesAnotherProcess(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		config := childConfig{Database: d, FenceAge: bound}
		here, there := config.start(t), config.start(t)
		sealed := here.ask(request{Op: "seal", Subjects: []string{"1"}}).Sealed[0]
		there.opens(t, "1", sealed, ok)
		const fences = "SELECT count(*) FROM troth_vault_fence"
		before := d.count(t, d.open(t), fences)
		here.ask(request{Op: "begin and shred", Subjects: []string{"1"}})
		here.opens(t, "1", sealed, pending)
		there.opens(t, "1", sealed, ok)
		here.ask(request{Op: "roll back"})
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			got := here.ask(request{Op: "open", Subjects: []string{"1"}, Sealed: [][]byte{sealed}}).Opened
			require.Equal(c, []string{ok, ok}, got)
		}, time.Minute, 10*time.Millisecond)
		there.opens(t, "1", sealed, ok)
		require.Equal(t, before, d.count(t, d.open(t), fences))
	})
}

// TestSeal_TwoProcessesMakeOneKey seals for the same new people at the same
// time, in own and in the host's transactions: the second one finds the first
// one's key.
func TestSeal_TwoProcessesMakeOneKey(t *testing.T) {
	const people = 40
	each(t, func(t *testing.T, d database) {
		config := childConfig{Database: d, FenceAge: bound}
		ways := []string{"seal", "seal", "seal in host's"}
		ps := make([]*process, len(ways))
		for i := range ways {
			ps[i] = config.start(t)
			ps[i].ask(request{Op: "ready"})
		}
		var subjects []string
		for i := range people {
			subjects = append(subjects, fmt.Sprint(i))
		}
		sealed := make([][][]byte, len(ways))
		errs := make([]error, len(ways))
		var all sync.WaitGroup
		for i, way := range ways {
			all.Go(func() {
				a, err := ps[i].try(request{Op: way, Subjects: subjects})
				sealed[i], errs[i] = a.Sealed, err
			})
		}
		all.Wait()
		for i, err := range errs {
			require.NoError(t, err, ways[i])
		}
		for _, p := range ps {
			for i := range ways {
				for _, outcome := range p.ask(request{Op: "open", Subjects: subjects, Sealed: sealed[i]}).Opened {
					require.Equal(t, ok, outcome)
				}
			}
		}
		db := d.open(t)
		require.Equal(t, people, d.count(t, db, "SELECT count(*) FROM troth_vault_key WHERE compartment = ?", string(profile)))
		require.Equal(t, people, d.count(t, db, "SELECT count(*) FROM troth_vault_person WHERE tenant = ?", string(shop)))
		require.Equal(t, 1, d.count(t, db, "SELECT count(*) FROM troth_vault_root WHERE tenant = ?", string(shop)))
	})
}
