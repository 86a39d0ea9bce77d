package audit

// RowError says that a stored row cannot be read at all: a value in it has a
// type or a length that the store never writes. Adapters return it, so that
// whoever verifies can name the place.
type RowError struct {
	// Table is the name of the table, and Place says which row, in words: its
	// log and position, or the id of its entry. Neither holds personal data.
	Table, Place string
	// Err says more, if there is more to say.
	Err error
}

func (e *RowError) Error() string {
	s := "audit: row of " + e.Table + " cannot be read: " + e.Place
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *RowError) Unwrap() error { return e.Err }
