package memory_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/memory"
)

var seed = flag.Uint64("seed", 0, "seed of the model test; zero is a new one")

// keySpace is large enough for several blocks of rows.
const keySpace = 3000

// model is what the table should hold: a map that is copied at every savepoint.
type model struct {
	t     *testing.T
	rand  *rand.Rand
	db    *memory.DB
	table *memory.Table[string, string]
	rows  map[string]string
}

func TestTable_AgreesWithAMap(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", s)
	db, table := newTable(t)
	m := &model{t: t, rand: rand.New(rand.NewPCG(s, 1)), db: db, table: table, rows: map[string]string{}}
	for i := range keySpace / 2 {
		k := fmt.Sprintf("%04d", i*2)
		require.NoError(t, table.Put(t.Context(), k, "first"))
		m.rows[k] = "first"
	}
	for range 100 {
		m.steps(t.Context(), 0)
		m.compare(t.Context())
	}
}

var errUndo = errors.New("undo")

// steps does random things in one transaction or savepoint.
func (m *model) steps(ctx context.Context, depth int) {
	before := maps.Clone(m.rows)
	fail := m.rand.IntN(3) == 0
	err := m.db.Atomically(ctx, func(ctx context.Context) error {
		for range m.rand.IntN(40) {
			if depth < 4 && m.rand.IntN(10) == 0 {
				m.steps(ctx, depth+1)
				continue
			}
			m.write(ctx)
		}
		m.compare(ctx)
		if fail {
			return errUndo
		}
		return nil
	})
	if fail {
		require.ErrorIs(m.t, err, errUndo)
		m.rows = before
		return
	}
	require.NoError(m.t, err)
}

func (m *model) write(ctx context.Context) {
	k, v := fmt.Sprintf("%04d", m.rand.IntN(keySpace)), fmt.Sprint(m.rand.Int())
	_, there := m.rows[k]
	switch m.rand.IntN(4) {
	case 0:
		deleted, err := m.table.Delete(ctx, k)
		require.NoError(m.t, err)
		require.Equal(m.t, there, deleted)
		delete(m.rows, k)
	case 1:
		inserted, err := m.table.Insert(ctx, k, v)
		require.NoError(m.t, err)
		require.Equal(m.t, !there, inserted)
		if inserted {
			m.rows[k] = v
		}
	default:
		require.NoError(m.t, m.table.Put(ctx, k, v))
		m.rows[k] = v
	}
}

// compare reads the table in two ways, from a random key on.
func (m *model) compare(ctx context.Context) {
	after := fmt.Sprintf("%04d", m.rand.IntN(keySpace))
	rows, err := m.table.Scan(ctx, &after, 0, nil)
	require.NoError(m.t, err)
	var want []memory.Row[string, string]
	for _, k := range slices.Sorted(maps.Keys(m.rows)) {
		if k > after {
			want = append(want, memory.Row[string, string]{Key: k, Value: m.rows[k]})
		}
	}
	if !slices.Equal(want, rows) { // require.Equal would take most of the test's time
		require.Equal(m.t, want, rows)
	}
	v, ok, err := m.table.Get(ctx, after)
	require.NoError(m.t, err)
	wantValue, wantOK := m.rows[after]
	require.Equal(m.t, wantOK, ok)
	require.Equal(m.t, wantValue, v)
}
