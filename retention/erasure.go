package retention

// grantedErasure is one that evaluation reads.
type grantedErasure struct{ Erasure }

func (*grantedErasure) covers(*RecordRow) bool { return false }
