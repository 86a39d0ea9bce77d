package audittest

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// ok returns what a method of the store returned, and ends the test where that
// is an error.
func ok[T any](v T, err error) func(r *rig) T {
	return func(r *rig) T {
		r.Helper()
		r.must(err)
		return v
	}
}

// found is ok for look-ups.
func found[T any](v T, there bool, err error) func(r *rig) (T, bool) {
	return func(r *rig) (T, bool) {
		r.Helper()
		r.must(err)
		return v, there
	}
}

// hashOf returns bytes that are told by n.
func hashOf(n uint64) (h [32]byte) {
	binary.BigEndian.PutUint64(h[:], n)
	h[31] = 0xfd
	return h
}

// numberedID returns the id of the row that logRow makes of the numbers.
func numberedID(log int, n uint64) (id troth.EntryID) { return timedID(log, n, timeOf(n)) }

// timeOf is when an entry was recorded that is told by n.
func timeOf(n uint64) int64 { return 1_000_000 + int64(n) }

// timedID returns an id that is told by the numbers and begins with the
// milliseconds of the time, as the contract has it.
func timedID(log int, n uint64, at int64) (id troth.EntryID) {
	binary.BigEndian.PutUint64(id[:], uint64(at/1000)<<16|uint64(log))
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// subjectOf returns a pseudonym that is told by n, never zero.
func subjectOf(n uint64) (p audit.Pseudonym) {
	binary.BigEndian.PutUint64(p[:], n)
	p[15] = 0xfb
	return p
}

// logRow returns a row whose content is told by its place.
func logRow(tenant troth.Tenant, log int, index, number uint64) audit.LogRow {
	return audit.LogRow{
		Log: log, Index: index, Tenant: tenant, ID: numberedID(log, index), Number: number, Hash: hashOf(index),
		Leaf:       append([]byte{0, byte(index), 0xff, 0xfe, '\''}, tenant...),
		RecordedAt: timeOf(index), Act: "audittest.act", Subject: subjectOf(index),
	}
}

// logOf returns n rows of a log, of the tenants in turn.
func logOf(log, n int, tenants ...troth.Tenant) []audit.LogRow {
	rows := make([]audit.LogRow, n)
	for i := range rows {
		rows[i] = logRow(tenants[i%len(tenants)], log, uint64(i), uint64(i/len(tenants)+1))
	}
	return rows
}

func sameRow(a, b audit.LogRow) bool {
	leaves := bytes.Equal(a.Leaf, b.Leaf)
	a.Leaf, b.Leaf = nil, nil
	return leaves && sameBut(a, b)
}

// sameBut compares all but the leaf.
func sameBut(a, b audit.LogRow) bool {
	return a.Log == b.Log && a.Index == b.Index && a.Tenant == b.Tenant && a.ID == b.ID && a.Number == b.Number &&
		a.Hash == b.Hash && a.Oversized == b.Oversized && a.RedactedBy == b.RedactedBy && a.RecordedAt == b.RecordedAt &&
		a.Act == b.Act && a.Subject == b.Subject
}

func sameRows(a, b []audit.LogRow) bool { return slices.EqualFunc(a, b, sameRow) }

// of returns the rows of one tenant.
func of(rows []audit.LogRow, tenant troth.Tenant) []audit.LogRow {
	return slices.DeleteFunc(slices.Clone(rows), func(row audit.LogRow) bool { return row.Tenant != tenant })
}

func headOf(log int) audit.Head {
	return audit.Head{
		Log: log, Origin: "audittest.example/" + string(rune('a'+log)), Size: uint64(100 * log), Root: hashOf(uint64(log)),
		Salt: hashOf(uint64(1000 + log)), Signer: "audittest+key", Tag: hashOf(uint64(2000 + log)),
	}
}

// moveOf moves the head of the first log to that size.
func moveOf(size uint64) audit.HeadMove {
	from := headOf(1)
	return audit.HeadMove{
		Log: 1, FromSize: from.Size, FromRoot: from.Root, FromSigner: from.Signer,
		Size: size, Root: hashOf(size), Signer: "s",
	}
}

func partOf(entry troth.EntryID, n int) audit.PartRow {
	salt := hashOf(uint64(n))
	return audit.PartRow{
		Entry: entry, Part: n, Name: "diff", Subject: subjectOf(uint64(n)), Compartment: "orders",
		RecordedAt: 1_000_000 + int64(entry[15]), Salt: salt[:], Box: []byte{0, byte(n), 0xff, 0xfe},
	}
}

func samePart(a, b audit.PartRow) bool {
	return a.Entry == b.Entry && a.Part == b.Part && a.Name == b.Name && a.Subject == b.Subject &&
		a.Compartment == b.Compartment && a.RecordedAt == b.RecordedAt && bytes.Equal(a.Salt, b.Salt) &&
		bytes.Equal(a.Box, b.Box) && a.DroppedBy == b.DroppedBy
}

// dropped returns the part as it is after it was dropped.
func dropped(p audit.PartRow, by troth.EntryID) audit.PartRow {
	p.Salt, p.Box, p.DroppedBy = nil, nil, by
	return p
}

// redacted returns the row as it is after it was redacted.
func redacted(row audit.LogRow, by troth.EntryID) audit.LogRow {
	return audit.LogRow{
		Log: row.Log, Index: row.Index, Tenant: row.Tenant, ID: row.ID, Number: row.Number, Hash: row.Hash, RedactedBy: by,
	}
}

func (r *rig) appendLog(rows ...audit.LogRow) {
	r.Helper()
	r.must(r.store.AppendLog(r.Context(), rows))
}

// logRange returns all rows of a log.
func (r *rig) logRange(ctx context.Context, log int) []audit.LogRow {
	r.Helper()
	return ok(r.store.LogRange(ctx, log, 0, 1<<20))(r)
}

// tenantLog returns all rows of a tenant.
func (r *rig) tenantLog(ctx context.Context, tenant troth.Tenant) []audit.LogRow {
	r.Helper()
	return ok(r.store.LogEntries(ctx, audit.LogPage{Tenant: tenant, Limit: 1 << 20}))(r)
}
