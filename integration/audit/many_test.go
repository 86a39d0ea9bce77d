package audit

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

func times(short, longer int) int {
	if long {
		return longer
	}
	return short
}

// TestRun_ManyProcessesOneLog: four programs record with eight writers each,
// every entry in one transaction with a row of the host's own, and every program
// runs the sequencer. On SQLite it is two.
func TestRun_ManyProcessesOneLog(t *testing.T) {
	t.Parallel()
	eachSite(t, func(t *testing.T, s site) {
		programs, entries := 4, times(100, 2000)
		if s.Driver == "sqlite" {
			programs = 2
		}
		var all []*process
		for i := range programs {
			all = append(all, childConfig{
				site: s, Name: "p" + strconv.Itoa(i), Writers: 8, Entries: entries, Run: true,
			}.start(t))
		}
		var acknowledged []told
		for _, p := range all {
			acknowledged = append(acknowledged, p.until("done")...)
		}
		assert.GreaterOrEqual(t, len(acknowledged), programs*8*entries, "but for one in five, and what waited too long for SQLite")
		assert.Positive(t, s.check(t, acknowledged), "nobody saw a checkpoint")
	})
}

// TestRun_AnotherTakesOverWhenOneIsKilled kills the program that moves the log
// again and again; the next has the log within a second.
func TestRun_AnotherTakesOverWhenOneIsKilled(t *testing.T) {
	eachSite(t, func(t *testing.T, s site) {
		here := s.here(t)
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "here"})
		await := func() time.Duration {
			began := time.Now()
			id, err := here.trail.Record(ctx, troth.Entry{Act: other, Tenant: "acme"})
			require.NoError(t, err)
			bounded, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			_, err = here.trail.Await(bounded, "acme", id)
			require.NoError(t, err)
			return time.Since(began)
		}
		config := childConfig{site: s, Name: "first", Run: true}
		running := config.start(t)
		await()
		fastest := patience
		for round := range times(4, 40) {
			config.Name = "next" + strconv.Itoa(round)
			next := config.start(t)
			running.kill()
			fastest = min(fastest, await())
			running = next
		}
		assert.Less(t, fastest, time.Second)
		assert.Positive(t, s.check(t, nil), "nobody saw a checkpoint")
	})
}

// other is an act beside those about rows of the host.
var other = &troth.Act{Name: "integration.other", Version: 1, Doc: "Another act of these tests."}

// steps are the calls behind which a program is broken.
var steps = []string{"TakeInbox", "AppendLog", "PutTiles", "PutTenantHeads", "MoveHead", "PutCheckpoint"}

// TestRun_KilledBehindEachWrite kills the program in the middle of a step.
func TestRun_KilledBehindEachWrite(t *testing.T) {
	t.Parallel()
	eachSite(t, func(t *testing.T, s site) {
		var acknowledged []told
		for round, step := range steps {
			p := childConfig{
				site: s, Name: "k" + strconv.Itoa(round), Writers: 2, Run: true,
				BreakAt: step, Nth: 2, Signal: syscall.SIGKILL,
			}.start(t)
			acknowledged = append(acknowledged, p.until("broken")...)
			acknowledged = append(acknowledged, p.rest()...)
			p.kill()
			s.signing(t).drain(t)
		}
		p := childConfig{site: s, Name: "last", Writers: 2, Entries: 5, Run: true}.start(t)
		s.check(t, append(acknowledged, p.until("done")...))
	})
}

// TestRun_KilledAtAnyMoment kills programs that record and sequence, at moments
// that chance picks, and verifies after each.
func TestRun_KilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	eachSite(t, func(t *testing.T, s site) {
		var acknowledged []told
		for round := range times(5, 100) {
			p := childConfig{site: s, Name: "c" + strconv.Itoa(round), Writers: 4, Run: true}.start(t)
			acknowledged = append(acknowledged, p.next())
			<-time.After(50*time.Millisecond + rand.N(300*time.Millisecond))
			p.kill()
			acknowledged = append(acknowledged, p.rest()...)
			s.check(t, acknowledged)
		}
	})
}

// TestRun_StoppedInTheMiddleOfAStep stops a program inside its transaction.
// On PostgreSQL the server ends that after some seconds and another program has
// the log; the first, let go on, finds out and forks nothing. On SQLite
// everybody waits for the first.
func TestRun_StoppedInTheMiddleOfAStep(t *testing.T) {
	t.Parallel()
	eachSite(t, func(t *testing.T, s site) {
		here, logs := s.impatient(t)
		first := childConfig{
			site: s, Name: "first", Writers: 2, Run: true, BreakAt: "MoveHead", Nth: 3, Signal: syscall.SIGSTOP,
		}.start(t)
		acknowledged := first.until("broken")
		second := childConfig{site: s, Name: "second", Writers: 2, Run: true}
		var all []*process
		if s.Driver == "sqlite" {
			waitsInBounds(t, here, logs)
		} else {
			all = append(all, second.start(t))
			s.takeOver(t)
		}
		require.NoError(t, first.cmd.Process.Signal(syscall.SIGCONT))
		second.Name = "third"
		all = append(all, second.start(t), first)
		for range 5 {
			for _, p := range all {
				acknowledged = append(acknowledged, p.next())
			}
		}
		for _, p := range all {
			p.kill()
			acknowledged = append(acknowledged, p.rest()...)
		}
		s.check(t, acknowledged)
	})
}

// takeOver waits until another program has the log, and demands that recording
// goes on meanwhile.
func (s site) takeOver(t *testing.T) {
	t.Helper()
	here := s.here(t)
	ctx, cancel := context.WithTimeout(troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "here"}), patience)
	defer cancel()
	began := time.Now()
	id, err := here.trail.Record(ctx, troth.Entry{Act: other, Tenant: "acme"})
	require.NoError(t, err)
	assert.Less(t, time.Since(began), patience/2, "recording waited")
	_, err = here.trail.Await(ctx, "acme", id)
	require.NoError(t, err)
}

// bound is how long an impatient program waits for the writer.
const bound = 300 * time.Millisecond

// impatient is signing with a short bound, and with what it logs.
func (s site) impatient(t *testing.T) (*audit.Trail, *observer.ObservedLogs) {
	t.Helper()
	db, err := sql.Open(s.Driver, s.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	var h *sqlstore.Handle
	var store *auditsql.Store
	for range 20 { // a busy machine may take longer than the bound to connect
		if h, err = sqlstore.Open(t.Context(), db, s.dialect(), sqlstore.WithWaitBound(bound)); err == nil {
			if store, err = auditsql.New(t.Context(), h); err == nil {
				break
			}
			_ = h.Close()
		}
		if !errors.Is(err, troth.ErrBusy) {
			break
		}
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	key, err := audit.ParseSigningKey(s.Signer)
	require.NoError(t, err)
	seen, logs := observer.New(zap.WarnLevel)
	trail, err := audit.New(t.Context(), store, seeded(s.Seed), audittest.NewSealer(),
		audit.WithSigner(key), audit.WithLogger(zap.New(seen)))
	require.NoError(t, err)
	return trail, logs
}

// waitsInBounds demands that nobody waits for longer than the handle's bound for a
// program that is stopped inside its transaction, that reading goes on, and that
// the sequencer says what keeps it.
func waitsInBounds(t *testing.T, trail *audit.Trail, logs *observer.ObservedLogs) {
	t.Helper()
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "here"})
	_, err := trail.Record(ctx, troth.Entry{Act: other, Tenant: "acme"})
	require.ErrorIs(t, err, troth.ErrBusy)
	_, err = trail.Sequence(ctx)
	require.ErrorIs(t, err, troth.ErrBusy)
	for _, err := range trail.Entries(ctx, "acme", audit.Query{Sequenced: true}) {
		require.NoError(t, err)
	}
	_, err = trail.Backlog(ctx)
	require.NoError(t, err)

	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- trail.Run(running) }()
	told := func() []observer.LoggedEntry { return logs.FilterMessage("log was not moved").All() }
	require.Eventually(t, func() bool { return len(told()) > 0 }, patience, bound/10)
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Contains(t, told()[0].ContextMap()["error"], "busy")
}
