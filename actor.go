package troth

import (
	"context"
	"errors"
	"slices"
)

// ErrNoActor is returned by acts that need to know who acts when the context
// carries no [Actor]. Put one there with [WithActor], in the host's middleware.
var ErrNoActor = errors.New("troth: no actor in context: put one there with troth.WithActor")

// ActorKind tells people from programs: evidence of what a person opens is
// recorded one by one before they see it, a program's in windows.
type ActorKind string

const (
	// Person is a human being: staff, an agent, or the data subject.
	Person ActorKind = "person"
	// Service is a program that acts without a person behind the single act.
	Service ActorKind = "service"
)

// Actor is who acts.
type Actor struct {
	Kind ActorKind
	// ID names the actor within Tenant. A person's is replaced by a pseudonym
	// on the trail; a service's is recorded as it is, so it must not name a
	// person.
	ID string
	// Roles are the host's own, in no order.
	Roles []string
	// Tenant is the tenant that the actor belongs to; [Platform] for the host's
	// own staff and programs. Empty means Platform.
	Tenant Tenant
}

// Validate returns an *[IdentifierError] unless the kind is known and the ID,
// the roles and the tenant are valid.
func (a Actor) Validate() error {
	if a.Kind != Person && a.Kind != Service {
		return &IdentifierError{Kind: "actor kind", Reason: "is unknown"}
	}
	if err := checkIdentifier("actor", a.ID); err != nil {
		return err
	}
	for _, r := range a.Roles {
		if err := checkIdentifier("role", r); err != nil {
			return err
		}
	}
	return a.Home().Validate()
}

// Home is the tenant that the actor belongs to, [Platform] where none is set.
func (a Actor) Home() Tenant {
	if a.Tenant == "" {
		return Platform
	}
	return a.Tenant
}

// HasRole reports whether role is among the actor's.
func (a Actor) HasRole(role string) bool { return slices.Contains(a.Roles, role) }

type actorKey struct{}

// admitted is an actor with the verdict of its validation, reached once.
type admitted struct {
	actor Actor
	err   error
}

// WithActor returns a context in which a acts. The host's middleware calls it
// once per request or job. An actor that is not valid is refused later, by
// [ActorFrom].
func WithActor(ctx context.Context, a Actor) context.Context {
	a.Roles = slices.Clone(a.Roles)
	return context.WithValue(ctx, actorKey{}, &admitted{actor: a, err: a.Validate()})
}

// ActorFrom returns the actor of ctx. It returns [ErrNoActor] where there is
// none, and an *[IdentifierError] where it is not valid. Its Roles must not be
// changed.
func ActorFrom(ctx context.Context) (Actor, error) {
	a, ok := ctx.Value(actorKey{}).(*admitted)
	if !ok {
		return Actor{}, ErrNoActor
	}
	if a.err != nil {
		return Actor{}, a.err
	}
	return a.actor, nil
}
