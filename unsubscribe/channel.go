package unsubscribe

import (
	"slices"

	"github.com/trothdev/troth"
)

// Channel is how a message reaches a person. Addresses of different channels never
// meet, also where they look alike.
type Channel string

// The channels.
const (
	Email     Channel = "email"
	SMS       Channel = "sms"
	Push      Channel = "push"
	Messenger Channel = "messenger"
	Post      Channel = "post"
)

var channels = []Channel{Email, SMS, Push, Messenger, Post}

// Channels are all of them, in the order of their stored numbers.
func Channels() []Channel { return slices.Clone(channels) }

// number is how the channel is stored and hashed, from 1; 0 is none.
func (c Channel) number() byte { return byte(slices.Index(channels, c) + 1) }

// Class is what a message is for.
type Class string

// The classes.
const (
	// Marketing is what promotes: newsletters, offers, reminders of a basket.
	Marketing Class = "marketing"
	// Service is what the person is owed: an invoice, a delivery, a change of terms.
	Service Class = "service"
	// Security protects the person: a password reset, a warning of a break-in.
	Security Class = "security"
)

var classes = []Class{Marketing, Service, Security}

// Classes are all of them.
func Classes() []Class { return slices.Clone(classes) }

// Scope is how far an opt-out reaches. Of what a person said in several scopes the
// strictest counts.
type Scope string

// The scopes, from narrow to wide.
const (
	// List is one list of a client.
	List Scope = "list"
	// Client is all that one client sends.
	Client Scope = "client"
	// Everything is all that the company sends, for whatever client.
	Everything Scope = "everything"
)

// Place is where an opt-out stands: a scope of a client.
type Place struct {
	// Tenant is the client; that of the person's choice also where the scope is
	// [Everything].
	Tenant troth.Tenant
	Scope  Scope
	// List names the list, where the scope is [List]; else it is empty.
	List string
}

// Validate returns an error unless tenant and scope are known, and the list is
// given where it must be and nowhere else.
func (p Place) Validate() error {
	if err := p.Tenant.Validate(); err != nil {
		return err
	}
	switch {
	case p.Tenant == troth.Platform && p.Scope != Everything:
		return ErrScope
	case p.Scope == List:
		return checkName("list", p.List)
	case p.Scope != Client && p.Scope != Everything, p.List != "":
		return ErrScope
	}
	return nil
}

// registry is the tenant under which rows of the place stand.
func (p Place) registry() troth.Tenant {
	if p.Scope == Everything {
		return troth.Platform
	}
	return p.Tenant
}

// Campaign is what a message belongs to.
type Campaign struct {
	Tenant  troth.Tenant
	List    string
	Channel Channel
	Class   Class
}

// Validate returns an error unless all four are given and known.
func (c Campaign) Validate() error {
	if c.Tenant == troth.Platform {
		return ErrScope
	}
	if err := c.Tenant.Validate(); err != nil {
		return err
	}
	if err := checkName("list", c.List); err != nil {
		return err
	}
	if c.Channel.number() == 0 {
		return ErrChannel
	}
	if !slices.Contains(classes, c.Class) {
		return ErrClass
	}
	return nil
}
