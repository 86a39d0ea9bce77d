package audit

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
)

// row is an entry at a place, with something in every column.
func row(log int, index uint64) audit.LogRow {
	r := audit.LogRow{
		Log: log, Index: index, Tenant: "acme", Number: index + 1, RecordedAt: int64(index) + 5, Act: "integration.touch", Leaf: []byte{1, 2},
		Hash: [32]byte{byte(log), byte(index)}, Subject: audit.Pseudonym{7},
	}
	binary.BigEndian.PutUint64(r.ID[:8], uint64(log))
	binary.BigEndian.PutUint64(r.ID[8:], index+1)
	return r
}

// TestStore_LogsDoNotRunIntoEachOther asks for what lies behind all that a log can
// have, where on SQLite the next one has its entries.
func TestStore_LogsDoNotRunIntoEachOther(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		s := b.store(t, b.open(t))
		var rows []audit.LogRow
		for i := range 22 {
			rows = append(rows, row(1+i/11, uint64(i%11)))
		}
		require.NoError(t, s.AppendLog(t.Context(), rows))
		for _, log := range []int{0, 1, 2, 3, math.MaxInt16 - 1, math.MaxInt16, math.MaxInt16 + 1, -1} {
			want := 0
			if log == 1 || log == 2 {
				want = 11
			}
			got, err := s.LogRange(t.Context(), log, 0, 99)
			require.NoError(t, err)
			require.Len(t, got, want)
			for _, to := range []uint64{11, 12, 1<<48 + 3, math.MaxUint64} {
				hashes, err := s.LeafHashes(t.Context(), log, 0, to)
				require.NoError(t, err)
				require.Len(t, hashes, 32*want, "log %d to %d", log, to)
				hashes, err = s.LeafHashes(t.Context(), log, 11, to)
				require.NoError(t, err)
				require.Empty(t, hashes)
			}
			for _, from := range []uint64{11, 1<<48 - 1, 1 << 48, 1<<48 + 3, math.MaxUint64} {
				got, err := s.LogRange(t.Context(), log, from, 99)
				require.NoError(t, err)
				require.Empty(t, got, "log %d from %d", log, from)
			}
		}
		left, err := s.Prune(t.Context(), audit.Pruning{Log: 1, Before: math.MaxUint64}, 99)
		require.NoError(t, err)
		require.Zero(t, left)
		got, err := s.LogRange(t.Context(), 1, 0, 99)
		require.NoError(t, err)
		require.Empty(t, got)
		got, err = s.LogRange(t.Context(), 2, 0, 99)
		require.NoError(t, err)
		require.Len(t, got, 11)
	})
}

// TestStore_KeepsRowsOfAnyNumber appends as many at once as no statement is of alone.
func TestStore_KeepsRowsOfAnyNumber(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		s := b.store(t, b.open(t))
		index := uint64(0)
		for n := range 70 {
			var rows []audit.LogRow
			for range n {
				rows = append(rows, row(1, index))
				index++
			}
			require.NoError(t, s.AppendLog(t.Context(), rows))
			got, err := s.LogRange(t.Context(), 1, index-uint64(n), 99)
			require.NoError(t, err)
			require.Equal(t, rows, append([]audit.LogRow(nil), got...))
			if n > 0 { // one of these is there
				more := append([]audit.LogRow{row(1, index)}, rows[n/2])
				require.ErrorIs(t, s.AppendLog(t.Context(), append(more, row(1, index+1))), audit.ErrDuplicate)
			}
		}
	})
}

// A place has room for so many logs, and no entry is put where another log has its own.
func TestStore_PlacesNoEntryOfALogThatHasNoPlaces(t *testing.T) {
	s := backends[0].store(t, backends[0].open(t))
	for _, log := range []int{-1, math.MaxInt16, math.MaxInt16 + 1, math.MaxInt} {
		require.Error(t, s.AppendLog(t.Context(), []audit.LogRow{row(log, 7)}))
	}
	require.NoError(t, s.AppendLog(t.Context(), []audit.LogRow{row(math.MaxInt16-1, 7)}))
	got, err := s.LogRange(t.Context(), math.MaxInt16-1, 0, 9)
	require.NoError(t, err)
	require.Equal(t, []audit.LogRow{row(math.MaxInt16-1, 7)}, got)
}

// A row whose place is of another log than it says is none that can be read.
func TestStore_RowsSayTheLogOfTheirPlace(t *testing.T) {
	b := backends[0]
	db := b.open(t)
	s := b.store(t, db)
	require.NoError(t, s.AppendLog(t.Context(), []audit.LogRow{row(1, 0), row(1, 1), row(1, 2)}))
	for _, log := range []any{2, -1, "1", []byte("1"), "x"} {
		b.unchecked(t, db, "UPDATE troth_audit_entry SET log = ? WHERE idx = 1", log)
		rows, err := s.LogRange(t.Context(), 1, 0, 9)
		wrong, ok := errors.AsType[*audit.RowError](err)
		if log == "1" { // SQLite makes the number of it that it says
			require.NoError(t, err)
			continue
		}
		require.True(t, ok, "%v: %v", log, err)
		require.Contains(t, wrong.Place, "index 1")
		require.Len(t, rows, 1)
		_, _, err = s.LogEntry(t.Context(), "acme", row(1, 1).ID)
		_, ok = errors.AsType[*audit.RowError](err)
		require.True(t, ok, "%v: %v", log, err)
	}
}
