package rights

// Level is how sure it is who somebody is. Levels are ordered.
type Level int

// The levels.
const (
	// LevelNone: nobody asked.
	LevelNone Level = iota
	// LevelLow: a session that was open, or one thing that the person knew.
	LevelLow
	// LevelReasonable: a code to a known address came back, or two things that the
	// person knew ("reasonable degree of certainty", 11 CCR §7062(b)).
	LevelReasonable
	// LevelHigh: they logged in again, a document was seen, or three things and a
	// signed declaration ("reasonably high degree", §7062(c)).
	LevelHigh
)

var levelNames = [...]string{"none", "low", "reasonable", "high"}

// String names the level in lower case.
func (l Level) String() string {
	if !l.Valid() {
		return "unknown"
	}
	return levelNames[l]
}

// Valid reports whether the level is one of the four.
func (l Level) Valid() bool { return l >= LevelNone && l <= LevelHigh }
