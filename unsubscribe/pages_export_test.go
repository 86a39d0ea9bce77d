package unsubscribe

import "time"

// SetPace sets the step of time in which the public form answers, and SetPatience
// how long a body may take.
func (p *Pages) SetPace(d time.Duration)     { p.pace = d }
func (p *Pages) SetPatience(d time.Duration) { p.patience = d }
