package deadline

import "github.com/trothdev/troth/internal/strictjson"

// maxSet bounds the size of a set, and maxDepth how deep its JSON is nested.
const (
	maxSet   = 4 << 20
	maxDepth = 8
)

// strictJSON refuses what encoding/json lets through. Text that is absent is the
// only way to say nothing.
func strictJSON(text []byte) error {
	return strictjson.Check(text, strictjson.Limits{Bytes: maxSet, Depth: maxDepth})
}
