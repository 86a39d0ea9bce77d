package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// Provider is somebody who must learn of opt-outs: a mail provider, a tool of the
// sales people. Every call may come again: after a lost answer nobody knows whether
// the one before had its effect. Errors that trying again cannot mend say so with a
// method Permanent() bool; those of one who wants to be left alone for a while with
// RetryIn() (time.Duration, bool), which is heeded as far as the deadline allows.
type Provider interface {
	// Suppress puts the address on the provider's own list of those who get nothing.
	Suppress(ctx context.Context, s Suppression) error
	// RemoveContact deletes the contact with everything that is kept of it. That there
	// is none is no error.
	RemoveContact(ctx context.Context, s Suppression) error
	// ReadBack tells what the provider has now. One that cannot answers
	// errors.ErrUnsupported: then the answers of the other two are believed.
	ReadBack(ctx context.Context, s Suppression) (ProviderState, error)
}

// Suppression is what a provider is told.
type Suppression struct {
	Place   Place
	Channel Channel
	Address troth.Sensitive[string]
	// Event is the opt-out, At when it was said.
	Event string
	At    time.Time
	// EffectKey is the same for every attempt at this and for nothing else.
	EffectKey string
}

// ProviderState is what a provider has of an address.
type ProviderState struct {
	Suppressed bool
	// HasContact says that the contact is still in its database.
	HasContact bool
}

type provider struct {
	name     string
	p        Provider
	channels []Channel
}

// WithProvider has a provider told of every opt-out on the channels; of e-mail if
// none is named. It needs [WithEnqueuer].
func WithProvider(name string, p Provider, on ...Channel) Option {
	return func(o *options) error {
		if err := checkName("provider", name); err != nil {
			return err
		}
		if slices.ContainsFunc(o.providers, func(p provider) bool { return p.name == name }) {
			return fmt.Errorf("unsubscribe: two providers are called %q", name)
		}
		if len(on) == 0 {
			on = []Channel{Email}
		}
		o.providers = append(o.providers, provider{name, p, on})
		return present("provider", p != nil)
	}
}

func (r *Registry) provider(name string) Provider {
	for _, p := range r.opt.providers {
		if p.name == name {
			return p.p
		}
	}
	return nil
}

func isPermanent(err error) bool {
	p, is := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return is && p.Permanent()
}

// Alarm says that the time for telling a provider runs out.
type Alarm struct {
	// Registry is the client, or troth.Platform for everything.
	Registry troth.Tenant
	Event    string
	Provider string
	Rule     string
	DueAt    time.Time
	// Percent of the time that has passed: 50, 80, or 100 when it is over.
	Percent  int
	Attempts int
	// Failed says that trying again will not help.
	Failed bool
}

// WithAlarm is called with every alarm once it is stored. It must not wait long. The
// logger gets each of them as well.
func WithAlarm(fn func(Alarm)) Option {
	return func(o *options) error { o.alarm = fn; return present("function of alarms", fn != nil) }
}
