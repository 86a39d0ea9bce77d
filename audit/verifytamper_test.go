package audit_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// long says that the long forms of tests are wanted.
var long = os.Getenv("TROTH_LONG") != ""

// smallLog builds a log of some 300 entries: four tenants, several checkpoints, a
// redacted entry, parts, dropped parts, and a second log behind it.
func smallLog(t *testing.T) (*world, *audit.Trail) {
	t.Helper()
	w := newLog(t, audit.Unmanaged("test"))
	ctx := w.as(kim)
	var letters []troth.EntryID
	for i := range 280 {
		w.tick()
		id := w.record(ctx, touch([]troth.Tenant{"acme", "globex", "initech"}[i%3], "17"))
		if i%90 == 3 {
			letters = append(letters, w.record(ctx, letter("acme")), w.record(ctx, letter("globex")))
		}
		if i%50 == 0 {
			w.sequence()
			_, err := w.trail.Checkpoint(t.Context())
			require.NoError(t, err)
		}
		if i == 101 {
			_, err := w.trail.Redact(ctx, leave, "globex", letters[1])
			require.NoError(t, err)
			_, err = w.trail.Redact(ctx, leave, []troth.Tenant{"acme", "globex", "initech"}[i%3], id)
			require.ErrorIs(t, err, troth.ErrPending)
		}
		if i == 200 {
			n, err := w.trail.DropParts(ctx, leave, audit.OldParts{Tenant: "acme", Before: w.at, Limit: 1})
			require.NoError(t, err)
			require.Positive(t, n)
		}
	}
	w.sequence()
	_, err := w.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	keys, err := audit.Verifiers{}.With(w.signer.VerifierKey())
	require.NoError(t, err)
	next := w.another(audit.WithSigner(newSigner(t, origin+"/2")), audit.WithVerifiers(keys), audit.Unmanaged("test"))
	require.NoError(t, next.Continue(t.Context(), nil))
	for i := range 9 {
		w.tick()
		w.record(ctx, touch([]troth.Tenant{"acme", "globex", "initech"}[i%3], "17"))
	}
	_, err = next.Sequence(t.Context())
	require.NoError(t, err)
	_, err = next.Checkpoint(t.Context())
	require.NoError(t, err)
	return w, next
}

// tamper is a small log that lies open, and the trail that verifies it.
type tamper struct {
	*testing.T
	*frozen
	trail *audit.Trail
	tried int
}

func openTamper(t *testing.T) *tamper {
	t.Helper()
	w, next := smallLog(t)
	_, err := next.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
	f := &tamper{T: t, frozen: w.freeze()}
	latest, err := next.Latest(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, latest)
	keys, err := audit.Verifiers{}.With(w.signer.VerifierKey())
	require.NoError(t, err)
	keys, err = keys.With(f.heads[1].Signer)
	require.NoError(t, err)
	f.trail, err = audit.New(t.Context(), f.frozen, w.keys, w.sealer, audit.WithVerifiers(keys))
	require.NoError(t, err)
	f.fits()
	return f
}

func (f *tamper) fits() audit.Report {
	f.Helper()
	r, err := f.trail.Verify(f.Context(), audit.VerifyParams{})
	require.NoError(f, err)
	return r
}

// found requires that verification finds what was done.
func (f *tamper) found(what string, args ...any) {
	f.Helper()
	f.tried++
	_, err := f.trail.Verify(f.Context(), audit.VerifyParams{})
	_, damage := errors.AsType[*audit.DamageError](err)
	_, back := errors.AsType[*audit.RolledBackError](err)
	if !damage && !back {
		f.Errorf("not found: %s: %v", fmt.Sprintf(what, args...), err)
	}
}

// every calls try for every change of every field of the row: each byte of bytes
// and texts, their ends, and the neighbours of numbers.
func every(row reflect.Value, name string, step int, try func(what string)) {
	set := func(v reflect.Value, what string) {
		was := reflect.New(row.Type()).Elem()
		was.Set(row)
		row.Set(v)
		try(name + " " + what)
		row.Set(was)
	}
	switch row.Kind() {
	case reflect.Struct:
		for i := range row.NumField() {
			if row.Type().Field(i).Name == "Oversized" {
				continue // is no column: the store says so of the leaf
			}
			every(row.Field(i), name+"."+row.Type().Field(i).Name, step, try)
		}
	case reflect.Int, reflect.Int64:
		for _, d := range []int64{-1, 1, 1 << 20} {
			set(reflect.ValueOf(row.Int()+d).Convert(row.Type()), fmt.Sprint("by ", d))
		}
	case reflect.Uint64:
		for _, v := range []uint64{row.Uint() + 1, row.Uint() - 1, row.Uint() + 256} {
			if v < 1<<62 {
				set(reflect.ValueOf(v).Convert(row.Type()), fmt.Sprint("is ", v))
			}
		}
	case reflect.Bool:
		set(reflect.ValueOf(!row.Bool()), "is the other")
	case reflect.Array:
		for i := 0; i < row.Len(); i += step {
			b := row.Index(i)
			b.SetUint(b.Uint() ^ 1<<(i%8))
			try(fmt.Sprintf("%s byte %d", name, i))
			b.SetUint(b.Uint() ^ 1<<(i%8))
		}
		if !row.IsZero() {
			set(reflect.Zero(row.Type()), "is zero")
		}
	case reflect.Slice:
		everyByte(row.Bytes(), step, func(b []byte, what string) { set(reflect.ValueOf(b), what) })
	case reflect.String:
		everyByte([]byte(row.String()), 1, func(b []byte, what string) {
			set(reflect.ValueOf(string(b)).Convert(row.Type()), what)
		})
	default:
		panic("a kind of column that nobody thought of: " + row.Kind().String())
	}
}

func everyByte(b []byte, step int, try func(b []byte, what string)) {
	for i := 0; i < len(b); i += step {
		c := slices.Clone(b)
		c[i] ^= 1 << (i % 8)
		try(c, fmt.Sprintf("byte %d", i))
	}
	try(append(slices.Clone(b), 0), "has one more")
	if len(b) > 0 {
		try(b[:len(b)-1], "has one less")
		try(nil, "is none")
	}
}

// everyRow tries every change of every field of the rows; those whose step is 0
// are left out.
func everyRow[R any](f *tamper, table string, rows []R, step func(i int) int) {
	for i := range rows {
		if step(i) == 0 {
			continue
		}
		every(reflect.ValueOf(&rows[i]).Elem(), fmt.Sprintf("%s %d", table, i), step(i), func(what string) {
			f.found("%s", what)
		})
	}
	f.fits()
}

// each is a step through everything; where races are watched for, less is tried.
func each(int) int { return slowdown }

// some is a step through bytes, 1 in the long form.
func some(step int) int {
	if long {
		return 1
	}
	return step * slowdown
}

func newSigner(t *testing.T, origin string) audit.Signer {
	t.Helper()
	s, err := audit.GenerateSigningKey(origin)
	require.NoError(t, err)
	return s
}

func TestVerify_FindsEveryChangeOfEveryRow(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	f := openTamper(t)
	wide := some(61)
	everyRow(f, "head", f.heads, each)
	everyRow(f, "tenant", f.tenants, each)
	everyRow(f, "checkpoint", f.checkpoints, each)
	everyRow(f, "tile", f.tiles, func(i int) int {
		if len(f.tiles[i].Hashes) == 8192 {
			return wide
		}
		return slowdown
	})
	everyRow(f, "entry", f.entries, func(i int) int {
		if long || i%90 == 1 || f.entries[i].Leaf == nil {
			return slowdown
		}
		return 0
	})
	t.Logf("%d changes", f.tried)
}

// ofRedacted reports whether the part is of an entry that was redacted: what it
// committed to is gone, so nothing tells that there was a part.
func (f *tamper) ofRedacted(p frozenPart) bool {
	return slices.ContainsFunc(f.entries, func(e audit.LogRow) bool {
		return e.ID == p.Entry && e.Tenant == p.Tenant && e.Leaf == nil
	})
}

// What a dropped part says beside its place could only be checked with what is
// gone.
func TestVerify_FindsEveryChangeOfAPart(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	f := openTamper(t)
	dropped, redacted := 0, 0
	for i := range f.parts {
		p := &f.parts[i]
		var beyond []string
		if !p.DroppedBy.IsZero() {
			dropped++
			beyond = []string{".Name ", ".Subject ", ".Compartment "}
		}
		if f.ofRedacted(*p) {
			redacted++
			beyond = append(beyond, ".Tenant ", ".Entry ", ".Part ", ".RecordedAt ")
		}
		every(reflect.ValueOf(p).Elem(), fmt.Sprintf("part %d", i), some(3), func(what string) {
			if !slices.ContainsFunc(beyond, func(column string) bool { return strings.Contains(what, column) }) {
				f.found("%s", what)
			}
		})
	}
	f.fits()
	require.Positive(t, redacted)
	require.Greater(t, dropped, redacted)
	t.Logf("%d changes", f.tried)
}

// without calls try with each of the rows taken away.
func without[R any](f *tamper, table string, rows *[]R) {
	was := *rows
	for i := range was {
		*rows = slices.Delete(slices.Clone(was), i, i+1)
		f.found("%s %d is gone", table, i)
	}
	*rows = was
	f.fits()
}

// with tries each forged row beside the others.
func with[R any](f *tamper, table string, rows *[]R, forged ...R) {
	was := *rows
	for i, r := range forged {
		*rows = append(slices.Clone(was), r)
		f.found("%s: forged row %d", table, i)
	}
	*rows = was
	f.fits()
}

// exchanged calls try with each row's content in the place of the next one's.
func exchanged[R any](f *tamper, table string, rows []R, place func(to *R, from R)) {
	for i := range rows {
		for j := i + 1; j < len(rows) && j < i+4; j++ {
			a, b := rows[i], rows[j]
			rows[i], rows[j] = b, a
			place(&rows[i], a)
			place(&rows[j], b)
			if !reflect.DeepEqual(rows[i], a) || !reflect.DeepEqual(rows[j], b) {
				f.found("%s %d and %d exchanged", table, i, j)
			}
			rows[i], rows[j] = a, b
		}
	}
	f.fits()
}

func TestVerify_FindsRowsThatAreGoneAddedOrExchanged(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	f := openTamper(t)
	without(f, "head", &f.heads)
	without(f, "entry", &f.entries)
	without(f, "tile", &f.tiles)
	without(f, "tenant", &f.tenants)
	f.parts = slices.DeleteFunc(f.parts, f.ofRedacted)
	without(f, "part", &f.parts)

	exchanged(f, "head", f.heads, func(to *audit.Head, from audit.Head) { to.Log = from.Log })
	exchanged(f, "entry", f.entries, func(to *audit.LogRow, from audit.LogRow) { to.Log, to.Index = from.Log, from.Index })
	exchanged(f, "tile", f.tiles, func(to *frozenTile, from frozenTile) { to.Log, to.Level, to.N = from.Log, from.Level, from.N })
	exchanged(f, "tenant", f.tenants, func(to *frozenTenant, from frozenTenant) { to.Log, to.Tenant = from.Log, from.Tenant })
	exchanged(f, "checkpoint", f.checkpoints, func(to *audit.CheckpointRow, from audit.CheckpointRow) {
		to.Log, to.Size = from.Log, from.Size
	})
	t.Logf("%d changes", f.tried)
}

func TestVerify_FindsForgedRows(t *testing.T) {
	f := openTamper(t)
	first, last := f.heads[0], f.heads[1]
	third, zero := last, last
	third.Log, third.Origin = 3, origin+"/3"
	zero.Log, zero.Origin = 0, origin+"/0"
	with(f, "head", &f.heads, third, zero, last)

	var entries []audit.LogRow
	for _, at := range []struct {
		log   int
		index uint64
	}{{1, first.Size}, {1, first.Size + 70}, {2, last.Size}, {0, 5}, {-1, 5}, {3, 0}, {99, 7}, {1, 7}, {2, 2}} {
		e := f.entries[7]
		e.Log, e.Index, e.ID = at.log, at.index, troth.NewEntryID(time.Unix(1_800_000_000, 0))
		entries = append(entries, e)
	}
	with(f, "entry", &f.entries, entries...)

	var tiles []frozenTile
	for _, at := range []frozenTile{
		{1, audit.Tile{Level: 0, N: 1}},
		{1, audit.Tile{Level: 0, N: 77}},
		{1, audit.Tile{Level: 1, N: 1}},
		{1, audit.Tile{Level: 2, N: 0}},
		{1, audit.Tile{Level: 8, N: 0}},
		{1, audit.Tile{Level: -1, N: 0}},
		{2, audit.Tile{Level: 0, N: 0}},
		{0, audit.Tile{}},
		{3, audit.Tile{}},
		{1, audit.Tile{}},
	} {
		at.Hashes = f.tiles[0].Hashes
		tiles = append(tiles, at)
	}
	with(f, "tile", &f.tiles, tiles...)

	var tenants []frozenTenant
	for _, at := range []frozenTenant{
		{1, audit.TenantHead{Tenant: "zzz"}},
		{2, audit.TenantHead{Tenant: "a"}},
		{1, audit.TenantHead{Tenant: ""}},
		{0, audit.TenantHead{Tenant: "acme"}},
		{3, audit.TenantHead{Tenant: "acme"}},
		{1, audit.TenantHead{Tenant: "acme"}},
	} {
		at.Number, at.Index, at.Hash = 1, 3, f.tenants[0].Hash
		tenants = append(tenants, at)
	}
	with(f, "tenant", &f.tenants, tenants...)

	var checkpoints []audit.CheckpointRow
	for _, at := range []audit.CheckpointRow{
		{Log: 1, Size: 17},
		{Log: 1, Size: first.Size + 1},
		{Log: 2, Size: 3},
		{Log: 3, Size: 1},
		{Log: 0, Size: 1},
		{Log: 1, Size: f.checkpoints[0].Size},
		{Log: 1, Size: 0},
	} {
		at.SignedAt, at.Note = f.checkpoints[0].SignedAt, f.checkpoints[0].Note
		checkpoints = append(checkpoints, at)
	}
	with(f, "checkpoint", &f.checkpoints, checkpoints...)
}
