package keep

import (
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/stretchr/testify/require"
	_ "github.com/trothdev/troth"
	_ "github.com/tink-crypto/tink-go/v2/aead"
	_ "modernc.org/sqlite"
)
