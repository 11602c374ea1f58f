#!/bin/sh
# about: a slip in the name of the image; "created" is taken for "runs"
# fails: web-runs: A pod runs exactly the image that its spec names
kubectl run web --image=drydock/wbe:1
