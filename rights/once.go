package rights

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// ItemAnswer is what was answered to a call that came under a key of its caller's, sealed.
const ItemAnswer ItemKind = "answer"

const answerDomain = "troth.rights.answer/1"

// Call is a call of a host's interface that may come again, see [Desk.Once].
type Call struct {
	Tenant troth.Tenant
	// Request is the one that the call is about, and that its answer is kept with.
	Request string
	// Key is the hash of who calls and of the key that they call under, What that of all
	// that they ask for.
	Key, What [32]byte
	// Apart says that do runs in no transaction: what a wrong code counts, say, must
	// not be rolled back. Between it and keeping its answer a crash may come, and then
	// it runs again.
	Apart bool
}

// Once runs do, and keeps what it returns, sealed with the contents of the request. The
// same call again is given the same, and do does not run; another call under the key is
// [ErrConflict]. What do changes and its answer commit together. Errors are not kept: who
// comes again after one tries again; nor is anything once the contents of the request were
// destroyed: then do runs each time. It is not for use inside of a transaction.
func (d *Desk) Once(ctx context.Context, c Call, do func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	if d.opt.sealer == nil {
		return nil, needs("WithSealer, to keep answers")
	}
	if d.tx.Scope(ctx) != nil {
		return nil, errors.New("rights: once: not inside of a transaction")
	}
	if answer, found, err := d.answered(ctx, c); err != nil || found {
		return answer, err
	}
	keep := func(ctx context.Context, answer []byte) error {
		if err := d.insertSealed(ctx, c.item(), 0, encodeAnswer(c.What), answer); !errors.Is(err, ErrGone) {
			return err
		}
		return nil // nothing is sealed there any more, and old answers are gone too
	}
	var answer []byte
	var err error
	if c.Apart {
		if answer, err = do(ctx); err == nil {
			err = keep(ctx, answer)
		}
	} else {
		err = d.tx.Atomically(ctx, func(ctx context.Context) error {
			if answer, err = do(ctx); err != nil {
				return err
			}
			return keep(ctx, answer)
		})
	}
	if err != nil { // perhaps because the same call came at the same time
		if answer, found, _ := d.answered(ctx, c); found {
			return answer, nil
		}
	}
	return answer, err
}

func (c *Call) item() ItemKey {
	return ItemKey{Tenant: c.Tenant, Owner: c.Request, Kind: ItemAnswer, ID: hex.EncodeToString(c.Key[:])}
}

// answered is what a call was answered before.
func (d *Desk) answered(ctx context.Context, c Call) (answer []byte, found bool, err error) {
	if err := c.Tenant.Validate(); err != nil {
		return nil, false, err
	}
	_, message, found, err := d.item(ctx, c.item())
	if err != nil || !found {
		return nil, false, err
	}
	what, err := parseAnswer(message)
	switch {
	case err != nil:
		return nil, false, err
	case what != c.What:
		return nil, false, ErrConflict
	}
	answer, found, err = d.openSealed(troth.WithActor(ctx, self), c.item(), sealingPurpose)
	if errors.Is(err, ErrGone) {
		return nil, false, nil
	}
	return answer, found, err
}

func encodeAnswer(what [32]byte) []byte {
	return canon.AppendBytes(canon.AppendDomain(nil, answerDomain), what[:])
}

func parseAnswer(b []byte) (what [32]byte, err error) {
	r := reader{Walker: canon.Walk(b, answerDomain)}
	r.fixed(what[:])
	if !r.done() {
		return what, ErrRecord
	}
	return what, nil
}
