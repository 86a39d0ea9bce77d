package troth

import "context"

// Address is a place where a person can be reached.
type Address struct {
	// Channel is "email", "sms", …
	Channel string
	// Value is the address as the host stores it.
	Value Sensitive[string]
}

// Directory maps people to addresses and back. The host implements it; an
// address that it cannot map stays blocked by its keyed hash.
type Directory interface {
	Addresses(ctx context.Context, s Subject) ([]Address, error)
	// Subjects returns the people whom a tenant knows under the address, none
	// if it knows nobody.
	Subjects(ctx context.Context, tenant Tenant, a Address) ([]Subject, error)
}
