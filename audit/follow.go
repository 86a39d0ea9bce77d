package audit

import (
	"context"
	"errors"
	"fmt"
	"math/bits"

	"github.com/trothdev/troth/internal/merkle"
)

// begin prepares a step from the stored head, after catching up with what other
// processes did. taken are the rows that the transaction has taken from the inbox.
func (t *Trail) begin(ctx context.Context, head Head, taken []InboxRow) (*step, error) {
	for {
		s, err := t.beginAt(ctx, head, taken)
		now, pruned := t.prunedSince(ctx, head, err)
		if !pruned {
			return s, err
		}
		head = now
	}
}

// prunedSince returns the head of a log as it is now, where what err tells of is no
// damage: nobody is elected for pruning, and what is missing may have been there when
// the head was read.
func (t *Trail) prunedSince(ctx context.Context, head Head, err error) (now Head, pruned bool) {
	if _, damaged := errors.AsType[*DamageError](err); !damaged {
		return head, false
	}
	now, err = t.logHead(ctx, head.Log)
	return now, err == nil && now.Pruned != head.Pruned
}

// beginAt is begin as long as nobody prunes the log meanwhile.
func (t *Trail) beginAt(ctx context.Context, head Head, taken []InboxRow) (*step, error) {
	l, led := t.seq.ledger, uint64(0)
	switch {
	case head.Size == 0:
		if l != nil && l.head.Size > 0 && l.head.Origin == t.signer.Name() {
			return nil, &RolledBackError{Origin: l.head.Origin, Known: l.head.Size}
		}
		l, err := t.createLog(ctx, newLedger(1, t.signer))
		if err != nil {
			return nil, err
		}
		return l.step(t.now()), nil
	case l.stands(head):
		s := l.step(t.now())
		s.head = head // pruned meanwhile, perhaps
		return s, nil
	case l.knows(head) && l.head.Size >= head.Pruned && (head.Size < l.head.Size || head.Size-l.head.Size < followLimit):
		return t.catchUp(ctx, l, head, taken)
	case l.knows(head):
		// What it would have to follow is gone, but for the tiles, or too long.
		if err := t.leadsOn(ctx, l, head); err != nil {
			return nil, err
		}
		led = l.head.Size
	}
	l, err := t.load(ctx, head, taken, led)
	if err != nil {
		return nil, err
	}
	return l.step(t.now()), nil
}

// followLimit is how many entries of others are followed one by one. Reading the
// ends of all tenants is the shorter way then.
const followLimit = 20_000

// catchUp follows what others added to what this process knows, which was
// committed: a log that has not all of that is another one.
func (t *Trail) catchUp(ctx context.Context, l *ledger, head Head, taken []InboxRow) (*step, error) {
	if head.Size < l.head.Size {
		return nil, &RolledBackError{Origin: head.Origin, Known: l.head.Size, Have: head.Size}
	}
	if err := t.checkHead(ctx, head); err != nil {
		return nil, err
	}
	s := l.step(t.now())
	s.head = head
	damage := &DamageError{head.Log, "head", "size " + utoa(head.Size), "does not follow from what this process knew"}
	for s.front.Size() < head.Size {
		page, err := t.store.LogRange(ctx, head.Log, s.front.Size(), loadPage)
		if err != nil {
			return nil, fmt.Errorf("audit: follow log: %w", err)
		}
		for _, row := range page {
			if err := t.explained(ctx, head, row, taken); err != nil {
				return nil, err
			}
			prev := s.end(row.Tenant)
			hash, err := t.previous(ctx, row, s.front.Size())
			if err != nil {
				return nil, err
			}
			if row.Number != prev.Number+1 || hash != prev.Hash {
				return nil, damage
			}
			s.put(row)
		}
		if len(page) == 0 {
			return nil, damage
		}
	}
	if s.front.Root() != head.Root {
		return nil, damage
	}
	s.front.Take() // the tiles are written
	return s, nil
}

// leadsOn returns an error unless the log has what this process knew; where the end
// of that was pruned, as far as it fills tiles.
func (t *Trail) leadsOn(ctx context.Context, l *ledger, head Head) error {
	if head.Size < l.head.Size {
		return &RolledBackError{Origin: head.Origin, Known: l.head.Size, Have: head.Size}
	}
	if l.head.Size >= head.Pruned {
		return t.leadsTo(ctx, head, Checkpoint{Origin: head.Origin, Size: l.head.Size, Root: l.head.Root})
	}
	edge := l.front.Range()
	whole := l.head.Size - l.head.Size%tileWidth
	tiled, err := merkle.NewRange(whole, edge.Hashes()[:bits.OnesCount64(whole)])
	if err != nil {
		return fmt.Errorf("audit: follow log: %w", err)
	}
	return t.leadsTo(ctx, head, Checkpoint{Origin: head.Origin, Size: whole, Root: tiled.Root()})
}

func (t *Trail) heads(ctx context.Context) ([]Head, error) {
	heads, err := t.store.Heads(ctx)
	if err != nil {
		return nil, fmt.Errorf("audit: read heads: %w", err)
	}
	return heads, nil
}
