package troth

// Tenant is a customer of the host application: the controller whose data is
// walled off from every other tenant's. Use an opaque, stable id.
type Tenant string

// Platform is the reserved tenant that holds what must outlive a tenant:
// suppression, token keys, the pseudonyms of the host's own staff.
const Platform Tenant = "~platform"

// Validate returns an *[IdentifierError] unless the tenant is one to
// [MaxIdentifier] bytes of UTF-8 without control characters. Names that begin
// with "~" are reserved; [Platform] is the only one.
func (t Tenant) Validate() error { return checkName("tenant", string(t), string(Platform)) }

// Subject is a data subject (GDPR Article 4(1)): a person, as one tenant knows
// them. The same ID under two tenants names two subjects.
//
// ID must be opaque, such as a row id or a UUID. It is stored in clear beside
// the person's sealed keys and stays in the tombstone after these are
// destroyed, so an e-mail address has no place in it.
type Subject struct {
	Tenant Tenant
	ID     string
}

// Validate returns an *[IdentifierError] unless tenant and ID are valid.
func (s Subject) Validate() error {
	if err := s.Tenant.Validate(); err != nil {
		return err
	}
	return checkIdentifier("subject", s.ID)
}
