package retention

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Connector is a copy outside of the database: a search index, a warehouse, a provider.
// A copy that has one is not in the orders of handlers. What the keeper commits when a
// record is destroyed, or enters a stage that the copy must not hold it in, is a warrant;
// from that commit on no hold can keep the copy, and work that is enqueued with it has
// the connector let go of the record, as often as it takes.
//
// Both methods are called outside of any transaction, and may be called again for what
// is done already. Errors may quote what the copy said: they are returned to the queue
// and never logged by the keeper.
type Connector interface {
	// Destroy has the copy let go of the record. [ErrNotFound] is success.
	Destroy(ctx context.Context, o CopyOrder) error
	// Confirm reports whether the copy shows that it does not have the record. It
	// returns [errors.ErrUnsupported] where the copy cannot show it, which is then
	// taken at its word. A copy that shows that it has it is told again.
	Confirm(ctx context.Context, o CopyOrder) (gone bool, err error)
}

// CopyOrder tells a copy to let go of a record.
type CopyOrder struct {
	RecordKey
	// Handle is the record's name in evidence.
	Handle    string
	SubjectID string
	Class     string
	Copy      string
	// End is how the record ends; empty if it is still there, in a stage in which the
	// copy must not hold it.
	End End
	// Warrant names what the order rests on, At is when that was committed.
	Warrant string
	At      time.Time
	// EffectKey is the same whenever the same is tried again, and for nothing else.
	EffectKey string
}

// WithCopy says that a copy of the policy lies outside of the database, and how it is
// told. It needs [WithTasks]. Every keeper of a store must be given the same copies.
// What rotates is never told, and paper is for people: see [Keeper.ConfirmCopy].
func WithCopy(name string, c Connector) Option {
	return func(o *options) error {
		if _, twice := o.copies[name]; twice {
			return errors.New("retention: a copy is registered twice")
		}
		o.copies[name] = c
		if c == nil {
			return present("connector", false)
		}
		return checkName("copy", name)
	}
}

// WithCustodian names the role of those who destroy copies on paper and confirm it;
// "custodian" by default.
func WithCustodian(role string) Option {
	return func(o *options) error { o.custodian = role; return checkName("role", role) }
}

// CopyError says that a copy could not be told, or does not show that it let go of a
// record. Its text does not quote the copy, whose words may be about people.
type CopyError struct {
	Copy string
	// Unconfirmed says that it took the order and still shows the record.
	Unconfirmed bool
	Err         error
}

func (e *CopyError) Error() string {
	if e.Unconfirmed {
		return fmt.Sprintf("retention: copy %q still shows what it was told to let go of", e.Copy)
	}
	return fmt.Sprintf("retention: copy %q cannot be told now", e.Copy)
}

// Unwrap returns the copy's own error, which may be about people.
func (e *CopyError) Unwrap() error { return e.Err }

// tell has a copy let go of a record, and reports whether the copy shows that it did.
func tell(ctx context.Context, c Connector, o CopyOrder) (shown bool, err error) {
	if err := gone(c.Destroy(ctx, o)); err != nil {
		return false, &CopyError{Copy: o.Copy, Err: err}
	}
	is, err := c.Confirm(ctx, o)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return false, nil
	case err != nil:
		return false, &CopyError{Copy: o.Copy, Err: err}
	case !is:
		return false, &CopyError{Copy: o.Copy, Unconfirmed: true}
	}
	return true, nil
}

// outside reports whether somebody must be told of a copy after the commit: a connector,
// or a person.
func (o *options) outside(kind CopyKind, name string) (how string) {
	switch {
	case kind.Rotates():
		return byRotation
	case kind.Manual():
		return byPerson
	case o.copies[name] != nil:
		return byConnector
	}
	return byHost
}

// How a copy goes, as rows have it.
const (
	// byHost is told by the record's handler, in the transaction.
	byHost = "host"
	// byConnector is told after the commit.
	byConnector = "connector"
	// byPerson is confirmed by one.
	byPerson = "person"
	// byRotation is left to expire.
	byRotation = "rotation"
	// byParent goes with the copy that it is made of.
	byParent = "parent"
)
