package archtest

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTampering_EveryKindHasARow requires that docs/tampering.md says what to do about each
// kind of thing in which rows and trail can disagree.
func TestTampering_EveryKindHasARow(t *testing.T) {
	page := read(t, "docs/tampering.md")
	for file, kinds := range map[string]int{"vault/discrepancy.go": 15, "retention/tampered.go": 8, "rights/evidence.go": 5} {
		found := regexp.MustCompile(`(?m)^\t[A-Z]\w+ +(?:DiscrepancyKind|TamperingKind) += "([a-z-]+)"$`).FindAllStringSubmatch(read(t, file), -1)
		require.GreaterOrEqual(t, len(found), kinds, "%s is read as it is written", file)
		for _, m := range found {
			assert.Regexp(t, "(?m)^\\| `"+m[1]+"`", page, "%s has a row", m[1])
		}
	}
}
