// The functions of the CUDA driver that are used, for X-macros: RKEOPS_CUDA(name, symbol in the library, parameters).
// No header of the toolkit is needed; types are those of the driver's binary interface.
#pragma once

#define RKEOPS_CUDA_FUNCTIONS(RKEOPS_CUDA)                                                                     \
  RKEOPS_CUDA(init, "cuInit", (unsigned))                                                                      \
  RKEOPS_CUDA(driver_version, "cuDriverGetVersion", (int*))                                                    \
  RKEOPS_CUDA(error_name, "cuGetErrorName", (int, const char**))                                               \
  RKEOPS_CUDA(error_text, "cuGetErrorString", (int, const char**))                                             \
  RKEOPS_CUDA(device_count, "cuDeviceGetCount", (int*))                                                        \
  RKEOPS_CUDA(device, "cuDeviceGet", (int*, int))                                                              \
  RKEOPS_CUDA(device_name, "cuDeviceGetName", (char*, int, int))                                               \
  RKEOPS_CUDA(device_attribute, "cuDeviceGetAttribute", (int*, int, int))                                      \
  RKEOPS_CUDA(device_memory, "cuDeviceTotalMem_v2", (std::size_t*, int))                                       \
  RKEOPS_CUDA(retain_context, "cuDevicePrimaryCtxRetain", (void**, int))                                       \
  RKEOPS_CUDA(push_context, "cuCtxPushCurrent_v2", (void*))                                                    \
  RKEOPS_CUDA(pop_context, "cuCtxPopCurrent_v2", (void**))                                                     \
  RKEOPS_CUDA(memory_info, "cuMemGetInfo_v2", (std::size_t*, std::size_t*))                                    \
  RKEOPS_CUDA(allocate, "cuMemAlloc_v2", (unsigned long long*, std::size_t))                                   \
  RKEOPS_CUDA(release, "cuMemFree_v2", (unsigned long long))                                                   \
  RKEOPS_CUDA(to_device, "cuMemcpyHtoDAsync_v2", (unsigned long long, const void*, std::size_t, void*))        \
  RKEOPS_CUDA(to_host, "cuMemcpyDtoHAsync_v2", (void*, unsigned long long, std::size_t, void*))                \
  RKEOPS_CUDA(load_module, "cuModuleLoadData", (void**, const void*))                                          \
  RKEOPS_CUDA(unload_module, "cuModuleUnload", (void*))                                                        \
  RKEOPS_CUDA(module_function, "cuModuleGetFunction", (void**, void*, const char*))                            \
  RKEOPS_CUDA(launch, "cuLaunchKernel",                                                                        \
              (void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**)) \
  RKEOPS_CUDA(create_stream, "cuStreamCreate", (void**, unsigned))                                             \
  RKEOPS_CUDA(synchronize, "cuStreamSynchronize", (void*))

// NVRTC, the compiler.
#define RKEOPS_NVRTC_FUNCTIONS(RKEOPS_NVRTC)                                                                   \
  RKEOPS_NVRTC(version, "nvrtcVersion", (int*, int*))                                                          \
  RKEOPS_NVRTC(create, "nvrtcCreateProgram",                                                                   \
               (void**, const char*, const char*, int, const char* const*, const char* const*))                \
  RKEOPS_NVRTC(compile, "nvrtcCompileProgram", (void*, int, const char* const*))                               \
  RKEOPS_NVRTC(log_size, "nvrtcGetProgramLogSize", (void*, std::size_t*))                                      \
  RKEOPS_NVRTC(log, "nvrtcGetProgramLog", (void*, char*))                                                      \
  RKEOPS_NVRTC(cubin_size, "nvrtcGetCUBINSize", (void*, std::size_t*))                                         \
  RKEOPS_NVRTC(cubin, "nvrtcGetCUBIN", (void*, char*))                                                         \
  RKEOPS_NVRTC(ptx_size, "nvrtcGetPTXSize", (void*, std::size_t*))                                             \
  RKEOPS_NVRTC(ptx, "nvrtcGetPTX", (void*, char*))                                                             \
  RKEOPS_NVRTC(destroy, "nvrtcDestroyProgram", (void**))

// From CUDA 11.2 on.
#define RKEOPS_NVRTC_OPTIONAL(RKEOPS_NVRTC)                                                                    \
  RKEOPS_NVRTC(architecture_count, "nvrtcGetNumSupportedArchs", (int*))                                        \
  RKEOPS_NVRTC(architectures, "nvrtcGetSupportedArchs", (int*))
