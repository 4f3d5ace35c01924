#pragma once

// The names of the CUDA runtime that TensorRT's headers use, so that they compile where CUDA is not installed.

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;
