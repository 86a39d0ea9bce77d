package troth

// Compartment is a class of data with one fate: profile, orders, security log.
// What must be kept for ten years never shares a compartment, and so never a
// key, with what must die tomorrow.
type Compartment string

const (
	// DefaultCompartment is the compartment of hosts that need only one.
	DefaultCompartment Compartment = "default"
	// PseudonymCompartment holds what links a person to the pseudonym under
	// which the audit trail names them. It has a retention of its own: erasing
	// a person's other data leaves it, so that evidence of the erasure can be
	// found again for as long as the law wants it, and no longer.
	PseudonymCompartment Compartment = "~pseudonym"
)

// Validate returns an *[IdentifierError] unless the compartment is one to
// [MaxIdentifier] bytes of UTF-8 without control characters. Names that begin
// with "~" are reserved; [PseudonymCompartment] is the only one.
func (c Compartment) Validate() error {
	return checkName("compartment", string(c), string(PseudonymCompartment))
}

// Cell is the place of one value in the host's tables. It is bound into the
// sealed bytes: a value moved to another row or column does not open.
type Cell struct {
	Table  string
	Column string
	// Row is the row's stable key, as text.
	Row string
}

// Validate returns an *[IdentifierError] unless all three parts are valid.
func (c Cell) Validate() error {
	if plain(c.Table) && plain(c.Column) && plain(c.Row) {
		return nil
	}
	if err := checkIdentifier("table", c.Table); err != nil {
		return err
	}
	if err := checkIdentifier("column", c.Column); err != nil {
		return err
	}
	return checkIdentifier("row", c.Row)
}

// Context is all that a sealed value is bound to: whose it is, which class of
// data, and where it stands.
type Context struct {
	Subject     Subject
	Compartment Compartment
	Cell        Cell
}

// Validate returns an *[IdentifierError] unless every part is valid.
func (c Context) Validate() error {
	if err := c.Subject.Validate(); err != nil {
		return err
	}
	if err := c.Compartment.Validate(); err != nil {
		return err
	}
	return c.Cell.Validate()
}
