package consent

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// VerifyPerson checks that what decisions about a person are made of is what their
// events come to, and returns [ErrRecord] if not: somebody has put back an older
// state, or taken one away. [Ledger.Check] does not notice that by itself, since
// it reads the states alone.
func (l *Ledger) VerifyPerson(ctx context.Context, who troth.Subject) error {
	if err := who.Validate(); err != nil {
		return err
	}
	d, err := l.tenant(ctx, who.Tenant)
	if err != nil {
		return err
	}
	return l.tx.Atomically(ctx, func(ctx context.Context) error {
		all, err := l.readStates(ctx, d, who)
		if err != nil {
			return err
		}
		events, err := l.eventsOf(ctx, d, who)
		if err != nil {
			return err
		}
		byPurpose := map[troth.Purpose][]Event{}
		for _, e := range events {
			byPurpose[e.Purpose] = append(byPurpose[e.Purpose], e)
		}
		if len(byPurpose) != len(all) {
			return fmt.Errorf("%w: %d purposes have states, and %d events", ErrRecord, len(all), len(byPurpose))
		}
		for p, of := range byPurpose {
			want := fold(of, forever, forever)
			if got := all.of(p); got.own != want.own || got.linked != want.linked {
				return fmt.Errorf("%w: the state of a purpose is not what its events come to", ErrRecord)
			}
		}
		return nil
	})
}
