#!/bin/sh
# about: the address is written into the spec, as if it only had to be named
# fails: address: Pending means that nobody feels responsible
# answer: who controller
set -e
kubectl patch service shop -p '{"spec":{"loadBalancerIP":"172.30.0.200","externalIPs":["172.30.0.200"]}}'
