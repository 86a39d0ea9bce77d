package audit

import (
	"context"
	"fmt"
	"maps"

	"github.com/trothdev/troth"
)

func (t *Trail) createLog(ctx context.Context, l *ledger) (*ledger, error) {
	var err error
	if l.head.Tag, err = t.headTag(ctx, l.head); err != nil {
		return nil, err
	}
	for _, cp := range t.seq.known {
		if cp.Origin == l.head.Origin { // somebody has seen a log of that name
			return nil, &RolledBackError{Origin: cp.Origin, Known: cp.Size}
		}
	}
	created, err := t.store.CreateHead(ctx, l.head)
	if err != nil {
		return nil, fmt.Errorf("audit: open log: %w", err)
	}
	if !created {
		return nil, errSuperseded
	}
	return l, nil
}

// addOpening puts the entry that opens a log at its beginning.
func (t *Trail) addOpening(ctx context.Context, s *step) error {
	e := troth.Entry{
		Act: actLogOpen, Tenant: troth.Platform,
		Facts: troth.Facts{
			"origin": troth.Word(s.ledger.head.Origin),
			"salt":   troth.Digest(saltCommitment(s.ledger.head.Salt)),
		},
	}
	maps.Copy(e.Facts, s.ledger.pins)
	return t.addOwn(ctx, s, e)
}

// addOwn puts an entry of the trail itself into the log, past the inbox.
func (t *Trail) addOwn(ctx context.Context, s *step, e troth.Entry) error {
	if err := e.Validate(); err != nil {
		return err
	}
	env := t.envelope(e)
	var err error
	if env.Actor, err = t.actorRef(ctx, self); err != nil {
		return err
	}
	s.add(env, env.Append(nil))
	return nil
}
