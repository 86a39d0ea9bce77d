package retentionsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanWarrant(rows *sqlstore.Rows) (w retention.WarrantRow, err error) {
	var tenant, end, ground, deferred string
	var version, waits, alarmed int64
	var policy, entry []byte
	err = rows.Scan(&tenant, &w.ID, &w.Handle, &w.Type, &w.RecordID, &w.SubjectID, &w.Class, &w.Stage, &end, &version, &policy,
		&w.Created, &w.At, &w.GoneBy, &ground, &w.Rule, &deferred, &waits, &w.Gone, &alarmed, &w.NextAt, &entry, &w.MAC, &w.Detail)
	if err != nil {
		return w, err
	}
	w.Tenant, w.End, w.Waits = troth.Tenant(tenant), retention.End(end), waits != 0
	w.Ground, w.Deferred = retention.Ground(ground), retention.Ground(deferred)
	if !statement.Small(version, &w.Version) || !statement.Small(alarmed, &w.Alarmed) || len(policy) != len(w.Policy) || len(entry) != len(w.Entry) ||
		len(w.Detail) > retention.MaxDetail || len(w.MAC) > maxMAC {
		return retention.WarrantRow{}, retention.ErrRecord
	}
	if len(w.MAC) == 0 {
		w.MAC = nil
	}
	copy(w.Policy[:], policy)
	copy(w.Entry[:], entry)
	return w, nil
}

func scanWarrantKey(rows *sqlstore.Rows) (k retention.WarrantKey, err error) {
	var tenant string
	err = rows.Scan(&tenant, &k.ID)
	k.Tenant = troth.Tenant(tenant)
	return k, err
}

func flag(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

func warrantRest(w *retention.WarrantRow) []any {
	detail := w.Detail
	if detail == nil {
		detail = []byte{}
	}
	return []any{
		w.Handle, w.Type, w.RecordID, w.SubjectID, w.Class, w.Stage, string(w.End), int64(w.Version), w.Policy[:],
		w.Created, w.At, w.GoneBy, string(w.Ground), w.Rule, string(w.Deferred), flag(w.Waits), w.Gone, int64(w.Alarmed), w.NextAt,
		w.Entry[:], filled(w.MAC), detail,
	}
}

// InsertWarrant implements retention.Store.
func (s *Store) InsertWarrant(ctx context.Context, row retention.WarrantRow) error {
	return s.db.Must(ctx, s.q.insertWarrant, append([]any{string(row.Tenant), row.ID}, warrantRest(&row)...)...)
}

// LockWarrant implements retention.Store.
func (s *Store) LockWarrant(ctx context.Context, key retention.WarrantKey, wait bool) (retention.WarrantRow, bool, error) {
	if err := s.db.Locking(ctx); err != nil {
		return retention.WarrantRow{}, false, err
	}
	text := s.q.tryWarrant
	if wait {
		text = s.q.lockWarrant
	}
	return statement.One(ctx, s.db, scanWarrant, text, string(key.Tenant), key.ID)
}

// PutWarrant implements retention.Store.
func (s *Store) PutWarrant(ctx context.Context, row retention.WarrantRow) error {
	return s.db.Must(ctx, s.q.putWarrant, append(warrantRest(&row), string(row.Tenant), row.ID)...)
}

// DeleteWarrant implements retention.Store.
func (s *Store) DeleteWarrant(ctx context.Context, key retention.WarrantKey) error {
	return s.db.Must(ctx, s.q.deleteWarrant, string(key.Tenant), key.ID)
}

// WarrantsOf implements retention.Store.
func (s *Store) WarrantsOf(ctx context.Context, tenant troth.Tenant, handle string) ([]retention.WarrantRow, error) {
	return statement.Query(ctx, s.db, scanWarrant, s.q.warrantsOf, string(tenant), handle)
}

// Warrants implements retention.Store.
func (s *Store) Warrants(ctx context.Context, q retention.WarrantQuery) ([]retention.WarrantRow, error) {
	if q.SubjectID == "" {
		return statement.Query(ctx, s.db, scanWarrant, s.q.warrants, string(q.Tenant), q.After, q.Limit)
	}
	return statement.Query(ctx, s.db, scanWarrant, s.q.warrantsAbout, string(q.Tenant), q.SubjectID, q.After, q.Limit)
}

// DueWarrants implements retention.SystemStore.
func (s *Store) DueWarrants(ctx context.Context, at int64, limit int) ([]retention.WarrantKey, error) {
	return statement.Query(ctx, s.db, scanWarrantKey, s.q.dueWarrants, at, limit)
}

// WaitingWarrants implements retention.SystemStore.
func (s *Store) WaitingWarrants(ctx context.Context, limit int) ([]retention.WarrantRow, error) {
	return statement.Query(ctx, s.db, scanWarrant, s.q.waitingWarrants, limit)
}

// AddTally implements retention.Store.
func (s *Store) AddTally(ctx context.Context, t retention.TallyRow) error {
	return s.db.Must(ctx, s.q.addTally, string(t.Tenant), t.Month, t.Class, string(t.Ground), t.Rule, t.Kept, t.Deferred, t.Broken,
		t.KeptEntry[:], t.BrokenEntry[:], t.BrokenHandle, t.BrokenAt)
}

func scanTally(rows *sqlstore.Rows) (t retention.TallyRow, err error) {
	var tenant, ground string
	var kept, broken []byte
	err = rows.Scan(&tenant, &t.Month, &t.Class, &ground, &t.Rule, &t.Kept, &t.Deferred, &t.Broken, &kept, &broken,
		&t.BrokenHandle, &t.BrokenAt)
	if err != nil {
		return t, err
	}
	if len(kept) != len(t.KeptEntry) || len(broken) != len(t.BrokenEntry) {
		return retention.TallyRow{}, retention.ErrRecord
	}
	t.Tenant, t.Ground = troth.Tenant(tenant), retention.Ground(ground)
	copy(t.KeptEntry[:], kept)
	copy(t.BrokenEntry[:], broken)
	return t, nil
}

// Tallies implements retention.Store.
func (s *Store) Tallies(ctx context.Context, tenant troth.Tenant, since int64) ([]retention.TallyRow, error) {
	return statement.Query(ctx, s.db, scanTally, s.q.tallies, string(tenant), since)
}

// PutLateness implements retention.Store.
func (s *Store) PutLateness(ctx context.Context, l retention.LatenessRow) error {
	return s.db.Must(ctx, s.q.putLateness, string(l.Tenant), l.Class, string(l.Ground), l.Rule, int64(l.Stage), l.At)
}

func scanLateness(rows *sqlstore.Rows) (l retention.LatenessRow, err error) {
	var tenant, ground string
	var stage int64
	if err = rows.Scan(&tenant, &l.Class, &ground, &l.Rule, &stage, &l.At); err != nil {
		return l, err
	}
	l.Tenant, l.Ground = troth.Tenant(tenant), retention.Ground(ground)
	if !statement.Small(stage, &l.Stage) {
		return retention.LatenessRow{}, retention.ErrRecord
	}
	return l, nil
}

// Lateness implements retention.Store.
func (s *Store) Lateness(ctx context.Context, tenant troth.Tenant) ([]retention.LatenessRow, error) {
	return statement.Query(ctx, s.db, scanLateness, s.q.lateness, string(tenant))
}
