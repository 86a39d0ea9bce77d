package auditsql

import (
	"context"
	"math"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// Elect implements audit.LogSystem. On PostgreSQL it takes a lock that belongs
// to the table of heads and ends with the transaction; SQLite has one writer.
// There a process that is stopped, or cut off, in the middle of its transaction
// would keep the lock: the server ends the transaction when nothing came for some
// seconds.
func (s *Store) Elect(ctx context.Context) (elected bool, err error) {
	var bound string
	_, err = sqlstore.QueryRow(ctx, s.handle.Querier(ctx), s.log.elect, s.log.electArgs, &elected, &bound)
	return elected && err == nil, err
}

// Heads implements audit.LogSystem.
func (s *Store) Heads(ctx context.Context) (heads []audit.Head, err error) {
	var log int
	q := reading{table: headTable, text: s.log.heads, args: []any{math.MinInt64}, place: func() string { return at("log %d", log)() }}
	err = s.read(ctx, q, func(rows *sqlstore.Rows) error {
		var h audit.Head
		var root, salt, tag, by []byte
		var size, pruned int64
		log = len(heads) + 1
		if err := rows.Scan(&h.Log, &h.Origin, &size, &root, &salt, &h.Signer, &tag, &h.Closed, &pruned, &by); err != nil {
			return err
		}
		log = h.Log
		heads = append(heads, h)
		last := &heads[len(heads)-1]
		return firstError(unsigned(&last.Size, size), copyFixed(last.Root[:], root), copyFixed(last.Salt[:], salt),
			copyFixed(last.Tag[:], tag),
			unsigned(&last.Pruned, pruned), copyOptional(last.PrunedBy[:], by))
	})
	if err != nil {
		return nil, err
	}
	return heads, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// CreateHead implements audit.LogSystem.
func (s *Store) CreateHead(ctx context.Context, h audit.Head) (created bool, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		created, err = s.exec(ctx, s.log.createHead, h.Log, h.Origin, signed(h.Size), h.Root[:], h.Salt[:], h.Signer,
			h.Tag[:], h.Closed, signed(h.Pruned), orNull(idOrNil(h.PrunedBy)), h.Log-1)
		if err != nil || !created {
			return err
		}
		_, err := s.exec(ctx, s.log.closeHead, h.Log-1)
		return err
	})
	return created && err == nil, err
}

// MoveHead implements audit.LogSystem.
func (s *Store) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	return s.exec(ctx, s.log.moveHead, signed(m.Size), m.Root[:], m.Signer, m.Tag[:],
		m.Log, signed(m.FromSize), m.FromRoot[:], m.FromSigner)
}

// Prune implements audit.LogSystem.
func (s *Store) Prune(ctx context.Context, p audit.Pruning, limit int) (left int, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		kept := signed(p.Before)
		_, err := sqlstore.QueryRow(ctx, s.handle.Querier(ctx), s.log.pruneTo, []any{p.Log, signed(p.Before), limit}, &kept)
		if err != nil {
			return err
		}
		for _, text := range []string{s.log.pruneParts, s.log.pruneEntries} {
			if _, err := s.exec(ctx, text, p.Log, kept); err != nil {
				return err
			}
		}
		if _, err := s.exec(ctx, s.log.pruneTiles, p.Log, kept/256); err != nil {
			return err
		}
		if _, err := s.exec(ctx, s.log.pruned, signed(p.Before), p.By[:], p.Log, signed(p.Before)); err != nil {
			return err
		}
		_, err = sqlstore.QueryRow(ctx, s.handle.Querier(ctx), s.log.pruneLeft, []any{p.Log, signed(p.Before)}, &left)
		return err
	})
	if err != nil {
		return 0, err
	}
	return left, nil
}
