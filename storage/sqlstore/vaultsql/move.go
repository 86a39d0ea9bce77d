package vaultsql

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// Moving keys compares and exchanges: a row that somebody shredded, or moved,
// since it was read is left as it is.
const (
	moveOne = `UPDATE troth_vault_key SET epoch = ?, sealed = ?
		WHERE tenant = ? AND subject = ? AND compartment = ? AND generation = ? AND epoch = ? AND shredded_at = 0`
	// PostgreSQL takes a whole batch, as arrays in text.
	movePostgres = `UPDATE troth_vault_key k SET epoch = ?, sealed = v.sealed
		FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bytea[])
			AS v (subject, compartment, generation, epoch, sealed)
		WHERE k.tenant = ? AND k.subject = v.subject AND k.compartment = v.compartment
			AND k.generation = v.generation AND k.epoch = v.epoch AND k.shredded_at = 0`
)

var errOutside = errors.New("vaultsql: rewrap: not in a transaction")

// StaleKeys implements vault.Store.
func (s *Store) StaleKeys(ctx context.Context, p vault.StaleKeys) ([]vault.KeyRow, error) {
	if s.db.Scope(ctx) == nil {
		return nil, errOutside
	}
	if err := s.db.Lockable(ctx); err != nil {
		return nil, err
	}
	return statement.Query(ctx, s.db, scanKey, s.q.staleKeys, string(p.Tenant), p.After.SubjectID, string(p.After.Compartment),
		int64(p.After.Generation), int64(p.Below), p.Limit)
}

// MoveKeys implements vault.Store.
func (s *Store) MoveKeys(ctx context.Context, tenant troth.Tenant, to uint32, moves []vault.KeyMove) (moved int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		moved = 0
		if err := s.db.Lockable(ctx); err != nil {
			return err
		}
		var epoch int64
		found, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.holdRoot,
			[]any{string(tenant), string(vault.WrapLineage), int64(to)}, &epoch)
		if err != nil || !found || len(moves) == 0 {
			return err
		}
		if s.db.Postgres() {
			moved, err = s.moveAll(ctx, tenant, to, moves)
		} else {
			moved, err = s.moveEach(ctx, tenant, to, moves)
		}
		return err
	})
	return moved, err
}

func (s *Store) moveEach(ctx context.Context, tenant troth.Tenant, to uint32, moves []vault.KeyMove) (moved int, err error) {
	for i := range moves {
		m := &moves[i]
		done, err := s.db.Affects(ctx, s.q.moveKeys, int64(to), m.Sealed, string(tenant),
			m.SubjectID, string(m.Compartment), int64(m.Generation), int64(m.From))
		if err != nil {
			return 0, err
		}
		if done {
			moved++
		}
	}
	return moved, nil
}

func (s *Store) moveAll(ctx context.Context, tenant troth.Tenant, to uint32, moves []vault.KeyMove) (moved int, err error) {
	var subjects, compartments, generations, epochs, sealed array
	for i := range moves {
		m := &moves[i]
		subjects.text(m.SubjectID)
		compartments.text(string(m.Compartment))
		generations.number(int64(m.Generation))
		epochs.number(int64(m.From))
		sealed.bytes(m.Sealed)
	}
	res, err := s.db.Querier(ctx).Exec(ctx, s.q.moveKeys, int64(to), subjects.String(), compartments.String(),
		generations.String(), epochs.String(), sealed.String(), string(tenant))
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// array is one of PostgreSQL's, in text.
type array struct{ b []byte }

func (a *array) next() {
	if len(a.b) == 0 {
		a.b = append(a.b, '{')
		return
	}
	a.b = append(a.b, ',')
}

func (a *array) number(n int64) {
	a.next()
	a.b = strconv.AppendInt(a.b, n, 10)
}

var quoted = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

func (a *array) text(s string) {
	a.next()
	a.b = append(a.b, '"')
	a.b = append(a.b, quoted.Replace(s)...)
	a.b = append(a.b, '"')
}

func (a *array) bytes(v []byte) {
	a.next()
	a.b = append(a.b, `"\\x`...)
	a.b = hex.AppendEncode(a.b, v)
	a.b = append(a.b, '"')
}

// String is the array of what was added, which is at least one element.
func (a *array) String() string { return string(a.b) + "}" }

// TakeRewrap implements vault.Store.
func (s *Store) TakeRewrap(ctx context.Context, tenant troth.Tenant, epoch uint32, at int64) (row vault.RewrapRow, taken bool, err error) {
	if s.db.Scope(ctx) == nil {
		return row, false, errOutside
	}
	if err := s.db.Lockable(ctx); err != nil {
		return row, false, err
	}
	if s.db.Postgres() {
		_, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.rewrapLock, []any{rewrapKey(tenant)}, &taken)
		if err != nil || !taken {
			return row, false, err
		}
	}
	rows, err := statement.Query(ctx, s.db, scanRewrap, s.q.rewrap, string(tenant))
	if err != nil || len(rows) > 0 && rows[0].Epoch > epoch {
		return row, false, err
	}
	if len(rows) > 0 && rows[0].Epoch == epoch {
		return rows[0], true, nil
	}
	_, err = s.db.Querier(ctx).Exec(ctx, s.q.beginRewrap, string(tenant), int64(epoch), at)
	return vault.RewrapRow{Tenant: tenant, Epoch: epoch, StartedAt: at}, err == nil, err
}

// rewrapKey is the key of the advisory lock of who rewraps a tenant's keys.
func rewrapKey(tenant troth.Tenant) int64 {
	sum := sha256.Sum256([]byte("troth.vaultsql.rewrap/1\x00" + string(tenant)))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

func scanRewrap(rows *sqlstore.Rows) (r vault.RewrapRow, err error) {
	var epoch, generation int64
	err = rows.Scan(&r.Tenant, &epoch, &r.After.SubjectID, &r.After.Compartment, &generation, &r.Moved, &r.Stuck, &r.StartedAt)
	if err == nil && (!statement.Small(epoch, &r.Epoch) || !statement.Small(generation, &r.After.Generation)) {
		err = errRecord
	}
	return r, err
}

// SaveRewrap implements vault.Store.
func (s *Store) SaveRewrap(ctx context.Context, r vault.RewrapRow) error {
	_, err := s.db.Querier(ctx).Exec(ctx, s.q.saveRewrap, int64(r.Epoch), r.After.SubjectID, string(r.After.Compartment),
		int64(r.After.Generation), r.Moved, r.Stuck, r.StartedAt, string(r.Tenant))
	return err
}
