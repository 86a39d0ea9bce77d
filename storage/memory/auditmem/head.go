package auditmem

import (
	"context"

	"github.com/trothdev/troth/audit"
)

// Elect implements audit.LogSystem: there is one writer.
func (s *Store) Elect(ctx context.Context) (bool, error) {
	_, _, err := s.managed.Get(ctx, struct{}{}) // judges ctx
	return err == nil, err
}

// Heads implements audit.LogSystem.
func (s *Store) Heads(ctx context.Context) ([]audit.Head, error) {
	found, err := s.heads.Scan(ctx, nil, 0, nil)
	if err != nil {
		return nil, err
	}
	var heads []audit.Head
	for _, f := range found {
		heads = append(heads, f.Value)
	}
	return heads, nil
}

// CreateHead implements audit.LogSystem.
func (s *Store) CreateHead(ctx context.Context, h audit.Head) (created bool, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		heads, err := s.Heads(ctx)
		if err != nil || h.Log != len(heads)+1 {
			return err
		}
		if len(heads) > 0 {
			last := heads[len(heads)-1]
			last.Closed = true
			if err := s.heads.Put(ctx, last.Log, last); err != nil {
				return err
			}
		}
		created, err = s.heads.Insert(ctx, h.Log, h)
		return err
	})
	return created && err == nil, err
}

// MoveHead implements audit.LogSystem.
func (s *Store) MoveHead(ctx context.Context, m audit.HeadMove) (moved bool, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		h, found, err := s.heads.Get(ctx, m.Log)
		if err != nil || !found || h.Closed || h.Size != m.FromSize || h.Root != m.FromRoot || h.Signer != m.FromSigner {
			return err
		}
		h.Size, h.Root, h.Signer, h.Tag = m.Size, m.Root, m.Signer, m.Tag
		moved = true
		return s.heads.Put(ctx, m.Log, h)
	})
	return moved && err == nil, err
}
