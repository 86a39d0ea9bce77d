package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
)

var (
	modelSeed = flag.Uint64("model.seed", 0, "seed of the model test of group commit; 0 takes one from the clock")
	modelOps  = flag.Int("model.ops", 25, "calls of each of the 64 goroutines of the model test")
)

const modelWriters = 64

// TestGroupCommit_Model lets 64 goroutines do random and often unfriendly work
// in shared batches, with the host's own writer on the same file. Afterwards
// the table holds exactly what was acknowledged.
func TestGroupCommit_Model(t *testing.T) {
	seed := *modelSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for _, full := range []bool{false, true} {
		name := map[bool]string{false: "room enough", true: "database runs full"}[full]
		t.Run(name, func(t *testing.T) {
			t.Logf("repeat with -model.seed=%d", seed)
			m := newModel(t, full)
			m.run(seed)
			m.verify()
		})
	}
}

type model struct {
	t    *testing.T
	h    *sqlstore.Handle
	host *sql.DB
	full bool

	mu      sync.Mutex
	acked   []string
	outcome map[string]int // how calls ended, for the log and for the checks that every kind took place
}

func newModel(t *testing.T, full bool) *model {
	file := filepath.Join(t.TempDir(), "model.db")
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	host, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)&_pragma=synchronous(NORMAL)")
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Close() })
	h, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite, sqlstore.WithWaitBound(20*time.Second))
	require.NoError(t, err)
	_, err = h.Querier(t.Context()).Exec(t.Context(), "CREATE TABLE work (id TEXT PRIMARY KEY, body BLOB)")
	require.NoError(t, err)
	_, err = h.Querier(t.Context()).Exec(t.Context(), "INSERT INTO work (id) VALUES ('taken')")
	require.NoError(t, err)
	return &model{t: t, h: h, host: host, full: full, acked: []string{"taken"}, outcome: map[string]int{}}
}

func (m *model) run(seed uint64) {
	quit := make(chan struct{})
	var hostDone, workers sync.WaitGroup
	hostDone.Go(func() { m.compete(rand.New(rand.NewPCG(seed, 1000)), quit) })
	for n := range modelWriters {
		workers.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			for i := range *modelOps {
				m.call(rng, fmt.Sprintf("w%02d-%04d", n, i))
			}
		})
	}
	workers.Wait()
	// One after the other it goes on, whatever was lost before: in a batch of its
	// own a call is not undone by others.
	rng := rand.New(rand.NewPCG(seed, modelWriters))
	for i := range 100 {
		m.call(rng, fmt.Sprintf("last-%04d", i))
	}
	close(quit)
	hostDone.Wait()
	require.NoError(m.t, m.h.Close())
}

// compete is the host's own writer: it takes the lock of the file for a moment,
// again and again.
func (m *model) compete(rng *rand.Rand, quit chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-quit:
			return
		case <-time.After(time.Duration(rng.IntN(4)) * time.Millisecond):
		}
		id := fmt.Sprintf("host-%04d", i)
		if err := m.hostWrite(rng, id); err == nil {
			m.ack(id)
		}
	}
}

func (m *model) hostWrite(rng *rand.Rand, id string) error {
	ctx := context.Background()
	c, err := m.host.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, "INSERT INTO work (id) VALUES (?)", id)
	time.Sleep(time.Duration(rng.IntN(2000)) * time.Microsecond) //nolint:forbidigo // it holds the lock for a real while
	if err != nil || rng.IntN(4) == 0 {
		_, _ = c.ExecContext(ctx, "ROLLBACK")
		return errors.New("refused")
	}
	_, err = c.ExecContext(ctx, "COMMIT")
	return err
}

// call makes one call of Atomically, and writes down what it acknowledged.
func (m *model) call(rng *rand.Rand, name string) {
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	p := &program{m: m, rng: rng, name: name, cancel: cancel}
	var err error
	ended := make(chan string)
	go func() {
		how := "exited"
		defer func() {
			if v := recover(); v != nil {
				how = "panicked"
			}
			ended <- how
		}()
		err = m.h.Atomically(ctx, func(ctx context.Context) error { return p.closure(ctx, 0) })
		how = "returned"
	}()
	how := <-ended
	if how == "returned" {
		how = m.judge(name, err)
	}
	if how == "acknowledged" {
		m.ack(p.written...)
		m.visible(rng, p.written)
	}
	m.mu.Lock()
	m.outcome[how]++
	m.mu.Unlock()
}

func (m *model) judge(name string, err error) string {
	if err == nil {
		return "acknowledged"
	}
	if batch, ok := errors.AsType[*sqlstore.BatchError](err); ok {
		if batch.Unknown {
			m.t.Errorf("%s: the outcome cannot be unknown here: %v", name, err)
		}
		return "batch lost"
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, errUnwanted):
		return "refused by the closure"
	case errors.Is(err, troth.ErrBusy):
		return "busy"
	}
	return "refused by the database"
}

func (m *model) ack(ids ...string) {
	m.mu.Lock()
	m.acked = append(m.acked, ids...)
	m.mu.Unlock()
}

// visible looks now and then, on a connection that is not ours, whether what
// was acknowledged can be seen at once.
func (m *model) visible(rng *rand.Rand, ids []string) {
	if len(ids) == 0 || rng.IntN(8) != 0 {
		return
	}
	var n int
	err := m.host.QueryRow("SELECT count(*) FROM work WHERE id = ?", ids[0]).Scan(&n)
	if err != nil || n != 1 {
		m.t.Errorf("%s was acknowledged and is not there (%v)", ids[0], err)
	}
}

func (m *model) verify() {
	rows, err := m.host.Query("SELECT id FROM work ORDER BY id")
	require.NoError(m.t, err)
	defer func() { _ = rows.Close() }()
	var found []string
	for rows.Next() {
		var id string
		require.NoError(m.t, rows.Scan(&id))
		found = append(found, id)
	}
	require.NoError(m.t, rows.Err())
	slices.Sort(m.acked)
	require.Equal(m.t, m.acked, found, "the table holds exactly the acknowledged work")
	var sound string
	require.NoError(m.t, m.host.QueryRow("PRAGMA integrity_check").Scan(&sound))
	require.Equal(m.t, "ok", sound)

	m.t.Logf("%d rows; calls: %v", len(found), m.outcome)
	for _, how := range []string{"acknowledged", "panicked", "exited", "cancelled", "refused by the closure", "refused by the database", "batch lost"} {
		require.NotZero(m.t, m.outcome[how], "no call ended %q: the test does not test it", how)
	}
}

var errUnwanted = errors.New("unwanted")

// program is the random work of one call.
type program struct {
	m       *model
	rng     *rand.Rand
	name    string
	n       int
	written []string // what stands if the call is acknowledged
	cancel  context.CancelFunc
}

func (p *program) closure(ctx context.Context, depth int) error {
	for range 1 + p.rng.IntN(4) {
		if err := p.step(ctx, depth); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) step(ctx context.Context, depth int) error {
	switch n := p.rng.IntN(100); {
	case n < 40:
		return p.insert(ctx)
	case n < 60 && depth < 3:
		return p.nested(ctx, depth)
	case n < 70: // a conflict that the closure swallows
		if err := p.exec(ctx, "INSERT INTO work (id) VALUES ('taken')"); err == nil {
			p.m.t.Errorf("%s: no conflict", p.name)
		}
	case n < 74: // a conflict that it returns
		return p.exec(ctx, "INSERT INTO work (id) VALUES ('taken')")
	case n < 78:
		return errUnwanted
	case n < 80:
		panic(p.name)
	case n < 81:
		runtime.Goexit()
	case n < 84:
		p.cancel() // the next statement notices, or nobody
	case n < 85: // undoes everybody's work behind the handle's back
		_ = p.exec(ctx, "INSERT OR ROLLBACK INTO work (id) VALUES ('taken')")
	case n < 90:
		time.Sleep(time.Duration(p.rng.IntN(3000)) * time.Microsecond) //nolint:forbidigo // a closure that is really slow
	case p.m.full:
		return p.squeeze(ctx)
	}
	return nil
}

func (p *program) exec(ctx context.Context, query string, args ...any) error {
	_, err := p.m.h.Querier(ctx).Exec(ctx, query, args...)
	return err
}

func (p *program) insert(ctx context.Context) error {
	p.n++
	id := fmt.Sprintf("%s-%02d", p.name, p.n)
	size := p.rng.IntN(200)
	if p.m.full {
		size = p.rng.IntN(20000)
	}
	if err := p.exec(ctx, "INSERT INTO work (id, body) VALUES (?, ?)", id, make([]byte, size)); err != nil {
		return err
	}
	p.written = append(p.written, id)
	return nil
}

// nested runs a savepoint and swallows half of its errors, and panics inside
// it that do not leave the closure.
func (p *program) nested(ctx context.Context, depth int) (err error) {
	before := len(p.written)
	catch := p.rng.IntN(2) == 0
	returned := false
	defer func() {
		if returned {
			return
		}
		if catch && recover() != nil {
			p.written = p.written[:before]
		}
	}()
	err = p.m.h.Atomically(ctx, func(ctx context.Context) error { return p.closure(ctx, depth+1) })
	returned = true
	if err != nil {
		p.written = p.written[:before]
		if catch {
			return nil
		}
	}
	return err
}

// squeeze leaves the writer's connection little room, or a lot, and little
// cache, so that it writes to the file before the commit.
func (p *program) squeeze(ctx context.Context) error {
	var pages int
	if _, err := sqlstore.QueryRow(ctx, p.m.h.Querier(ctx), "PRAGMA page_count", nil, &pages); err != nil {
		return err
	}
	room := []int{1, 4, 1 << 20, 1 << 20, 1 << 20}[p.rng.IntN(5)]
	for _, pragma := range []string{"cache_size = 5", fmt.Sprintf("max_page_count = %d", pages+room)} {
		if _, err := sqlstore.QueryRow(ctx, p.m.h.Querier(ctx), "PRAGMA "+pragma, nil, new(int)); err != nil {
			return err
		}
	}
	return nil
}
