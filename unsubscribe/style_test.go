package unsubscribe

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPageStyle_Contrast computes what WCAG 2.2 defines: text has 7 to 1 (1.4.6),
// the borders of what can be filled in 3 to 1 (1.4.11), in both colour schemes.
func TestPageStyle_Contrast(t *testing.T) {
	schemes := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllStringSubmatch(pageStyle, -1)
	require.Len(t, schemes, 2)
	for _, m := range schemes {
		c := make(map[string]float64)
		for _, v := range regexp.MustCompile(`--(\w+):(#[0-9a-f]+)`).FindAllStringSubmatch(m[1], -1) {
			c[v[1]] = luminance(t, v[2])
		}
		require.Len(t, c, 7)
		for _, pair := range [][2]string{{"text", "card"}, {"soft", "card"}, {"act", "card"}, {"on", "act"}} {
			require.GreaterOrEqual(t, contrast(c[pair[0]], c[pair[1]]), 7.0, "%v", pair)
		}
		require.GreaterOrEqual(t, contrast(c["line"], c["card"]), 3.0)
	}
	require.InDelta(t, 21, contrast(luminance(t, "#fff"), luminance(t, "#000")), 1e-9)
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

func luminance(t *testing.T, hex string) (l float64) {
	t.Helper()
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		s := float64(n) / 255
		if s <= 0.04045 {
			l += weight * s / 12.92
		} else {
			l += weight * math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return l
}

// The policy names the style as it is: a page whose style the browser refuses is
// legible, and not what was looked at.
func TestPagePolicy_AllowsTheStyleAndNothingElse(t *testing.T) {
	require.NotContains(t, pagePolicy, "unsafe")
	require.NotContains(t, pagePolicy, "script-src")
	require.Contains(t, pagePolicy, "default-src 'none'")
	require.Contains(t, pagePolicy, "form-action 'self'")
	require.Contains(t, pagePolicy, "frame-ancestors 'none'")
	require.NotContains(t, pageStyle, "url(")
}
