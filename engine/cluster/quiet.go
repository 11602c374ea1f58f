package cluster

import (
	"io"
	"log"
)

// quiet takes what net/http says about connections that broke: the client has seen it, and nobody reads it here.
var quiet = log.New(io.Discard, "", 0) //nolint:forbidigo // net/http takes nothing else, and it is discarded
