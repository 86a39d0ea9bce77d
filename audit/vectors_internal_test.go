package audit

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The vectors are those of docs/formats/audit.md.
func TestVectors_LeafAndTenantMap(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "envelope-small.hex"))
	require.NoError(t, err)
	envelope, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	require.NoError(t, err)
	leaf := Leaf{Index: 7, Number: 2, SequencedAt: time.UnixMicro(1_800_000_000_000_001), Envelope: envelope}
	var salt [32]byte
	for i := range salt {
		leaf.Prev[i], salt[i] = 0xaa, byte(i)
	}
	head := TenantHead{Number: 2, Hash: HashLeaf(leaf.Append(nil))}
	for name, c := range map[string]struct {
		got  [32]byte
		want string
	}{
		"leaf hash":       {head.Hash, "1ad689fb59e483f558c639c55683346755ae22e7315d539bf0d49a4c2262f2d6"},
		"salt commitment": {saltCommitment(salt), "9e4b2ee6cb4a21b754d1ae244f032c33ea0e8a0787b24e0f54ce8ca0a0e86498"},
		"tenant's key":    {tenantKey(salt, "acme"), "a1a7958926f6b0ec40d24dbf681d877488ae1e0256628ba9bee9f543541fda9f"},
		"tenant's value":  {head.digest(), "45e081ca08493a639c7eef1fab93cbf7c7ae61bc4f0e4f60c1245e3a0badfda6"},
	} {
		require.Equal(t, c.want, hex.EncodeToString(c.got[:]), name)
	}
}
